"""Ask an opened chat model: the one way in which nodes do it, streamed, counted and timed."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import Context
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.messages import to_langchain
from patchbay.nodes.models.notes import notes_in
from patchbay.nodes.values import Message, ModelSpec

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk

T = TypeVar("T")


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
    call: CallOptions | None = None,
    *,
    port: str | None = "text",
    **options: Any,
) -> Answer:
    """Open the model, ask it, stream what it writes, and count its tokens.

    Args:
        ctx: the node's context.
        model: whom to ask.
        messages: the conversation so far.
        call: how the answer is to be; what it leaves out is as the model's description says.
        port: the output that the answer is streamed to; None for none.
        options: in place of `call`, the same in the words of the backend, as
            `model.call_options(…)` gives them.

    Raises:
        NodeError: the model refused, or failed.
    """
    given = to_langchain(messages)
    options = options or model.call_options(call)
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


def derived_seed(seed: int | None, request: int, about: str = "") -> int | None:
    """The seed of one request among many: the same for the same, unlike any neighbour's.

    A seed fixes where in the list of likely words the first draw falls, whatever the prompt. So
    the prompt (`about`) takes part: else an unlucky draw would be unlucky for every case.
    """
    if seed is None:
        return None
    text = f"{seed}/{request}/{about}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") % (2**32 - 1)


async def side_by_side(
    calls: Sequence[Callable[[], Awaitable[T]]], ctx: Context, label: str
) -> list[T]:
    """Start all calls at once; results in order. How many really overlap is up to the model.

    Raises:
        NodeError: the first call that failed; the others are cancelled.
    """
    results: dict[int, T] = {}

    async def work(index: int, call: Callable[[], Awaitable[T]]) -> None:
        results[index] = await call()
        await ctx.progress(label, len(results), len(calls))

    try:
        async with asyncio.TaskGroup() as group:
            for index, call in enumerate(calls):
                group.create_task(work(index, call))
    except* NodeError as failures:
        raise first_failure(failures) from None
    return [results[index] for index in range(len(calls))]


def first_failure(group: BaseExceptionGroup[Any]) -> NodeError:
    """The first `NodeError` in a group, however deep."""
    first = group.exceptions[0]
    return first_failure(first) if isinstance(first, BaseExceptionGroup) else first


def conversation(
    prompt: str | list[Message], system: str = "", port: str = "prompt"
) -> list[Message]:
    """A prompt as messages, after a system text if there is one.

    Raises:
        NodeError: it says nothing.
    """
    messages = [Message(role="user", content=prompt)] if isinstance(prompt, str) else list(prompt)
    if not any(message.content.strip() for message in messages):
        raise NodeError(
            "The prompt is empty.",
            fix=f'Wire a text into "{port}".',
            port=port,
            code="model/empty-prompt",
            retry=False,
        )
    return [Message(role="system", content=system), *messages] if system else messages


def with_suffix(messages: list[Message], suffix: str) -> list[Message]:
    """The messages with a text added to the last one of the user."""
    last = messages[-1]
    if not suffix or last.role != "user":
        return messages
    return [*messages[:-1], Message(role="user", content=f"{last.content}\n{suffix}")]


def one_line(text: str, limit: int = 300) -> str:
    """A text as one line of a table, cut at `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
