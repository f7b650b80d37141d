"""What LangChain asks of a chat model, for those that only know how to stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel, generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import OutputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from patchbay.nodes.context import unread
from patchbay.nodes.models.thinking import THOUGHT, Splitter
from patchbay.nodes.models.ways import Awaiting, Blocking, Way, driven


class StreamingChat(BaseChatModel):
    """A chat model that defines `_answer`; a whole answer is its chunks, added."""

    def _answer(
        self, way: Way, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]
    ) -> AsyncGenerator[ChatGenerationChunk, None]:
        """The answer in chunks; it waits through `way` alone."""
        raise NotImplementedError

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        return driven(self._answer(Blocking(), messages, stop, kwargs))

    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        return self._answer(Awaiting(), messages, stop, kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with unread():
            return generate_from_stream(self._stream(messages, stop, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        chunks = await self.chunks(messages, stop, **kwargs)
        return generate_from_stream(iter(chunks))

    async def chunks(
        self, messages: list[BaseMessage], stop: list[str] | None, **options: Any
    ) -> list[ChatGenerationChunk]:
        """A whole answer, in few pieces."""
        with unread():
            return [chunk async for chunk in self._astream(messages, stop, **options)]


class Parted:
    """An answer that is computed here, a piece a token: its thought apart, and counted.

    Args:
        split: parts what the engine itself does not.
        begins: what is left out where the answer begins with it.
    """

    def __init__(self, split: Splitter, begins: str = "") -> None:
        self._split, self._begins = split, begins
        self._thought_tokens = 0
        self._fresh = False

    def take(
        self, pieces: Sequence[str], thoughts: Sequence[str] = ()
    ) -> Iterator[ChatGenerationChunk]:
        """Pieces of the answer, or such that the engine knows to be a thought."""
        if thoughts:
            self._thought_tokens += len(thoughts)
            self._fresh = True
            yield from _chunks("".join(thoughts), "")
        said = [self._parted(piece) for piece in pieces]
        yield from _chunks("".join(inner for inner, _ in said), "".join(text for _, text in said))

    def _parted(self, piece: str) -> tuple[str, str]:
        """The thought and the text in a piece of the answer."""
        if piece and self._begins:
            piece, self._begins = piece.removeprefix(self._begins).lstrip(), ""
        if not piece:
            return "", ""
        was = self._split.thinking
        inner, text = self._split.add(piece)
        self._thought_tokens += was or self._split.thinking
        if self._fresh:  # without the blank lines between a thought and its answer
            text = text.lstrip()
            self._fresh = not text
        return inner, text

    def rest(self) -> Iterator[ChatGenerationChunk]:
        """What was held back, now that nothing follows."""
        yield from _chunks(*self._split.finish())

    def usage(self, prompt: int, answer: int) -> UsageMetadata:
        """The tokens of a request, those of the thought among them."""
        counted = UsageMetadata(
            input_tokens=prompt, output_tokens=answer, total_tokens=prompt + answer
        )
        if self._thought_tokens:
            thought = min(self._thought_tokens, answer)
            counted["output_token_details"] = OutputTokenDetails(reasoning=thought)
        return counted


def _chunks(thought: str, text: str) -> Iterator[ChatGenerationChunk]:
    if thought or text:
        extra = {THOUGHT: thought} if thought else {}
        yield ChatGenerationChunk(message=AIMessageChunk(content=text, additional_kwargs=extra))
