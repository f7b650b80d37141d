"""A chat model that says what a test tells it to: a description and a LangChain model, like any."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any, ClassVar

from langchain_core.language_models.chat_models import BaseChatModel, generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import NodeError
from patchbay.nodes.values import ModelSpec, Opening


class Scripted(ModelSpec):
    """Says `replies` in turn, the last one again and again. With `fails` it raises that instead.

    Where the last message holds a key of `when`, it says what stands there. `ends` is the reason
    that it gives for its end.
    """

    backend: ClassVar[str] = "scripted"

    replies: tuple[str, ...] = ("ok",)
    when: dict[str, str] = {}
    fails: str = ""
    ends: str = ""
    grammar: bool = True
    bytes: int | None = None

    def memory(self) -> int | None:
        return self.bytes

    def words(self, call: CallOptions) -> dict[str, Any]:
        return super().words(call if self.grammar else replace(call, json_schema=None))

    def open(self, opening: Opening) -> ScriptedChat:
        return ScriptedChat.of(self)


class ScriptedChat(BaseChatModel):
    """The opened model. `calls` are the messages and options of each request."""

    _spec: Scripted = PrivateAttr()
    _calls: list[tuple[list[str], dict[str, Any]]] = PrivateAttr(default_factory=list)

    @classmethod
    def of(cls, spec: Scripted) -> ScriptedChat:
        chat = cls()
        chat._spec = spec
        return chat

    @property
    def calls(self) -> list[tuple[list[str], dict[str, Any]]]:
        return self._calls

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, *_: Any, **o: Any
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, **o))

    def _stream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **options: Any
    ) -> Iterator[ChatGenerationChunk]:
        if self._spec.fails:
            raise NodeError(self._spec.fails, fix="Mend it.", code="model/unreachable")
        reply = self._reply(str(messages[-1].content))
        said = [f"{message.type}: {message.content}" for message in messages]
        self._calls.append((said, {"stop": stop, **options} if stop else options))
        words = reply.split(" ")
        for index, word in enumerate(words):
            piece = word if index == 0 else f" {word}"
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        read = sum(len(line.split()) for line in said)
        counted = UsageMetadata(
            input_tokens=read, output_tokens=len(words), total_tokens=read + len(words)
        )
        why = {"finish_reason": self._spec.ends} if self._spec.ends else {}
        last = AIMessageChunk(
            content="", usage_metadata=counted, response_metadata=why, chunk_position="last"
        )
        yield ChatGenerationChunk(message=last)

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **options: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(messages, stop, **options):
            yield chunk

    def _reply(self, asked: str) -> str:
        for part, reply in self._spec.when.items():
            if part in asked:
                return reply
        replies = self._spec.replies
        return replies[min(len(self._calls), len(replies) - 1)]
