"""Ask an opened chat model: the one way in which nodes do it, streamed, counted and timed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patchbay.nodes.contract import Context
from patchbay.nodes.models.messages import to_langchain
from patchbay.nodes.models.notes import notes_in
from patchbay.nodes.values import Message, ModelSpec

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote, and what that took."""

    text: str
    cut: bool
    """Whether it ended at the limit of tokens."""
    prompt_tokens: int
    answer_tokens: int
    first_token_s: float | None
    """Seconds from the request to the first token; None where nothing came."""
    generating_s: float
    """Seconds from the first token to the last."""


async def ask(
    ctx: Context,
    model: ModelSpec,
    messages: Sequence[Message],
    *,
    port: str | None = "text",
    **options: Any,
) -> Answer:
    """Open the model, ask it, stream what it writes, and count its tokens.

    Args:
        ctx: the node's context.
        model: whom to ask.
        messages: the conversation so far.
        port: the output that the answer is streamed to; None for none.
        options: options of the call, as `model.call_options(…)` gives them.

    Raises:
        NodeError: the model refused, or failed.
    """
    given = to_langchain(messages)
    coming = _Coming()
    async with ctx.use(model) as opened:
        coming.begin()
        async with contextlib.aclosing(opened.astream(given, **options)) as chunks:
            async for chunk in chunks:
                for note in notes_in(chunk):
                    await ctx.warn(note)
                piece = coming.add(chunk)
                if piece and port is not None:
                    await ctx.stream(port, piece)
    answer = coming.answer()
    ctx.count_tokens(
        answer.prompt_tokens, answer.answer_tokens, answer.first_token_s, answer.generating_s
    )
    return answer


class _Coming:
    """What came so far. Adding LangChain's chunks to each other takes longer with each one."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._prompt_tokens = self._answer_tokens = 0
        self._cut = False
        self._asked = self._first = self._last = 0.0

    def begin(self) -> None:
        """The request is made now."""
        self._asked = time.perf_counter()

    def add(self, chunk: AIMessageChunk) -> str:
        """Take in a chunk; gives its text."""
        piece = str(chunk.text)
        if piece:
            self._last = time.perf_counter()
            self._first = self._first or self._last
            self._pieces.append(piece)
        if usage := chunk.usage_metadata:  # some backends count in several chunks
            self._prompt_tokens += usage["input_tokens"]
            self._answer_tokens += usage["output_tokens"]
        if chunk.response_metadata.get("finish_reason") in ("length", "max_tokens"):
            self._cut = True
        return piece

    def answer(self) -> Answer:
        """The whole answer."""
        return Answer(
            "".join(self._pieces),
            self._cut,
            self._prompt_tokens,
            self._answer_tokens,
            self._first - self._asked if self._first else None,
            self._last - self._first,
        )
