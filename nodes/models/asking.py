"""Ask an opened chat model: the one way in which nodes do it, streamed, counted and timed."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import JsonValue

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import Context
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.answers import WAS_CUT, Answer, ComingAnswer
from patchbay.nodes.models.lenient_json import json_in
from patchbay.nodes.models.messages import to_langchain
from patchbay.nodes.models.once import answered_once, request_text
from patchbay.nodes.models.pictures import check_sees
from patchbay.nodes.models.schema import faults
from patchbay.nodes.models.telling import (
    answering,
    name_of,
    told,
)
from patchbay.nodes.values import Message, ModelSpec

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

T = TypeVar("T")


async def ask(
    ctx: Context,
    model: ModelSpec,
    messages: Sequence[Message],
    call: CallOptions | None = None,
    *,
    port: str | None = "text",
    says_cut: bool = True,
    **options: Any,
) -> Answer:
    """Open the model, ask it, stream what it writes, and count its tokens.

    What the model thinks before its answer is shown as a step, and is no part of the text. An
    answer that was cut is never used again, and the person is told.

    Args:
        ctx: the node's context.
        model: whom to ask.
        messages: the conversation so far.
        call: how the answer is to be; what it leaves out is as the model's description says.
        port: the output that the answer is streamed to; None for none.
        says_cut: whether to tell of a cut answer; who asks may know better words for it.
        options: in place of `call`, the same in the words of the backend, as
            `model.call_options(…)` gives them.

    Raises:
        NodeError: the model refused, or failed, or broke off.
    """
    check_sees(model, messages)
    given = to_langchain(messages)
    worded, options = bool(options), options or model.call_options(call)
    answer, now = await answered_once(
        ctx,
        lambda: request_text(model, given, options),
        lambda: _streamed(ctx, model, given, options, port),
        lambda fields: Answer(**fields),
    )
    if not now:
        for note in answer.notes:
            await ctx.warn(note)
        if port is not None:
            await ctx.stream(port, answer.text)
    schema = None if worded else (call or CallOptions()).over(model.sampling).json_schema
    if schema is not None:
        answer = replace(answer, fault=judge(answer.text, schema, cut=answer.cut)[1])
        if answer.fault and (call is None or call.json_schema is None):
            await ctx.warn(f"The answer does not follow the model's JSON schema: {answer.fault}")
    await _account(ctx, model, answer, says_cut)
    return answer


async def say_if_empty(ctx: Context, answer: Answer) -> None:
    """Tell of an empty answer, for a node that gives it on as it is. `ask` tells of a cut one."""
    if not answer.cut and not answer.text.strip():
        await ctx.warn(answer.shortfall())


async def _account(ctx: Context, model: ModelSpec, answer: Answer, says_cut: bool) -> None:
    """Count an answer, tell where it was cut, and show what was thought before it."""
    ctx.count_tokens(
        answer.prompt_tokens, answer.answer_tokens, answer.first_token_s, answer.generating_s,
        model=name_of(answering(model, answer.answered_by)), cached=answer.cached_tokens,
    )  # fmt: skip
    if answer.cut:
        ctx.use_once()
        if says_cut:
            await ctx.warn(answer.shortfall())
    if answer.unasked:
        named = ", ".join(map(repr, answer.unasked))
        await ctx.warn(
            f"The model called {named}, though it was given no tools, and nothing was called. "
            "Give the tool to an agent."
        )
    if answer.thought:
        ctx.step(
            "thought",
            answer.thought,
            seconds=answer.thought_s,
            completion_tokens=answer.thought_tokens,
        )


async def _streamed(
    ctx: Context,
    model: ModelSpec,
    given: Sequence[BaseMessage],
    options: Mapping[str, Any],
    port: str | None,
) -> Answer:
    """Ask the model now, and stream what it writes."""
    coming = ComingAnswer()
    async with ctx.use(model) as opened:
        with told(ctx, model, given, options) as said:
            coming.begin()
            async with contextlib.aclosing(opened.astream(given, **options)) as chunks:
                async for chunk in chunks:
                    for note in coming.heed(chunk):
                        await ctx.warn(note)
                    piece = coming.add(chunk)
                    if coming.thinks:
                        await ctx.progress("Thinking, characters", coming.thinks)
                    if piece and port is not None:
                        await ctx.stream(port, piece)
            return coming.answer(said, f"{name_of(model)!r}")


def judge(
    text: str, schema: Mapping[str, JsonValue], *, cut: bool = False
) -> tuple[JsonValue, str]:
    """The JSON in a text, and how it does not follow a schema; nothing where it does.

    Every answer is judged so, whatever its backend promised, and by every node alike. A number
    that was `cut` is another number, though it reads as one.

    Raises:
        NodeError: the schema is wrong.
    """
    try:
        value = json_in(text)
    except ValueError as error:
        return None, str(error)
    if cut and isinstance(value, (int, float)) and not isinstance(value, bool):
        return None, "It was cut at the limit of tokens, in the middle of a number."
    try:
        return value, faults(value, schema)
    except ValueError as error:
        raise NodeError(
            str(error), fix="Correct the schema.", code="model/json-schema", retry=False
        ) from error


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
        with ctx.lane(f"{label} {index + 1}"):
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
    return [*messages[:-1], last.model_copy(update={"content": f"{last.content}\n{suffix}"})]


def one_line(text: str, limit: int = 300) -> str:
    """A text as one line of a table, cut at `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


__all__ = [
    "WAS_CUT", "Answer", "ask", "conversation", "derived_seed", "first_failure", "judge",
    "one_line", "side_by_side", "with_suffix",
]  # fmt: skip
