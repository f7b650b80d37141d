"""Between our messages, LangChain's, and those of an OpenAI-like chat API."""

from __future__ import annotations

from collections.abc import Iterable
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
    """Our messages as LangChain's.

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

    return [convert(message) for message in messages]


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
