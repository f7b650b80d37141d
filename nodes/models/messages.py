"""Between our messages, LangChain's, and those of an OpenAI-like chat API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.pictures import user_content
from patchbay.nodes.values import Message

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

_ROLES = {
    "system": "system",
    "human": "user",
    "ai": "assistant",
    "tool": "tool",
    "function": "tool",
}


def to_langchain(messages: Iterable[Message]) -> list[BaseMessage]:
    """Our messages as LangChain's, system messages in a row as one (`one_system`).

    Raises:
        NodeError: a picture stands where none can.
    """
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

    def convert(message: Message) -> BaseMessage:
        if message.role == "user":
            return HumanMessage(user_content(message))
        if message.pictures:
            raise NodeError(
                f"A message of the role {message.role} holds a picture; only the user's can.",
                fix="Give the picture with a message of the user.",
                code="model/pictures",
                retry=False,
            )
        if message.role == "system":
            return SystemMessage(message.content)
        if message.role == "assistant":
            return AIMessage(message.content)
        return ToolMessage(message.content, tool_call_id="")

    return one_system([convert(message) for message in messages])


def one_system(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The messages with every row of system messages as one, a blank line between their texts.

    A system text of *Ask* and one of *Memory* come one after the other. Templates of many models
    take one, at the head, and some servers only the first; so no model ever gets to see two. Other
    roles stay as they are: what somebody said twice was said twice.
    """
    joined: list[BaseMessage] = []
    for message in messages:
        if joined and _text_of_system(message) and _text_of_system(joined[-1]):
            texts = (str(joined[-1].content), str(message.content))
            joined[-1] = joined[-1].model_copy(update={"content": "\n\n".join(texts)})
        else:
            joined.append(message)
    return joined


def _text_of_system(message: BaseMessage) -> bool:
    return message.type == "system" and isinstance(message.content, str)


def alternating(chat: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A conversation for templates that take user and assistant in turns and nothing else.

    A system text goes before what the user says next, as llama.cpp does it for such models, and of
    what one side said in a row one message is made.
    """
    if not all(isinstance(turn["content"], str) for turn in chat):
        return [dict(turn) for turn in chat]  # with pictures: as it is
    made: list[dict[str, Any]] = []
    told: list[str] = []
    for turn in chat:
        if turn["role"] == "system":
            told.append(turn["content"])
            continue
        texts = [*told, turn["content"]] if turn["role"] == "user" else [turn["content"]]
        told = [] if turn["role"] == "user" else told
        if made and made[-1]["role"] == turn["role"]:
            texts.insert(0, made.pop()["content"])
        made.append({**turn, "content": "\n\n".join(texts)})
    if told:
        made.append({"role": "user", "content": "\n\n".join(told)})
    return made


JOINED = (
    "The model's chat template takes only a user and an assistant in turns: system texts were put "
    "before what the user says, and messages of one side in a row were joined."
)
"""What is said where `alternating` was needed."""


def to_chat(messages: Iterable[BaseMessage]) -> list[dict[str, Any]]:
    """LangChain's messages as role and content.

    Raises:
        NodeError: a message holds something other than text.
    """
    return [{"role": role_of(message), "content": _content(message)} for message in messages]


def role_of(message: BaseMessage) -> str:
    """Who says a message, in the words of an OpenAI-like API."""
    from langchain_core.messages import ChatMessage

    if isinstance(message, ChatMessage):
        return message.role
    kind = message.type.removesuffix("MessageChunk").lower()
    return _ROLES.get(kind, "user")


def _content(message: BaseMessage) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    pieces = []
    for block in content:
        if isinstance(block, str):
            pieces.append(block)
        elif block.get("type") == "text":
            pieces.append(str(block.get("text", "")))
        else:
            raise NodeError(
                f"This model reads text only, but a message holds a picture "
                f"({block.get('type')!r}).",
                fix="Wire a model that sees, or take the pictures off.",
                code="model/content",
                retry=False,
            )
    return "".join(pieces)
