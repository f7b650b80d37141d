"""What the techniques share: settings of an answer, and many requests at once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, TypeVar

from pydantic import model_validator

from patchbay.nodes.contract import Context, Field, NodeError, NodeParams, Ports
from patchbay.nodes.models.asking import Answer, ask
from patchbay.nodes.techniques.answers import AnswerKind, final_answer
from patchbay.nodes.values import Message, ModelSpec

T = TypeVar("T")


class AnswerParams(NodeParams):
    """Settings that every technique has."""

    answer: AnswerKind = Field("text", widget="choice")
    """What an answer is: free text, a number, or one of the choices."""
    choices: list[str] = Field([], widget="list", max_length=100)
    """The words to choose from, for the kind `choice`."""
    temperature: float | None = Field(None, ge=0, le=5)
    """How freely words are chosen; 0 always takes the likeliest. Empty: as the model says."""
    seed: int | None = Field(0, ge=0, le=2**32 - 2)
    """Makes sampled answers repeat; each request gets its own seed, made from this one."""
    max_tokens: int | None = Field(256, ge=1, le=1_048_576)
    """Where each answer is cut. Empty: as the model says."""

    @model_validator(mode="after")
    def _has_choices(self) -> Self:
        if self.answer == "choice" and not any(choice.strip() for choice in self.choices):
            raise ValueError("an answer of the kind choice needs choices")
        return self

    def found(self, text: str) -> str | None:
        """The final answer in a text, or None."""
        return final_answer(text, self.answer, self.choices)

    def options(self, request: int = 0, about: str = "") -> dict[str, Any]:
        """Options of a request, with a seed of its own (see `derived_seed`)."""
        return {
            "temperature": self.temperature,
            "seed": derived_seed(self.seed, request, about),
            "max_tokens": self.max_tokens,
        }


def repeats(params: AnswerParams, inputs: Ports) -> bool:
    """Whether the same answers would come again: at temperature 0, or with a seed."""
    model: ModelSpec = inputs["model"]
    options = model.call_options(temperature=params.temperature, seed=params.seed)
    return options.get("temperature") == 0 or options.get("seed") is not None


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


async def answer_to(
    ctx: Context,
    model: ModelSpec,
    messages: Sequence[Message],
    *,
    port: str | None = None,
    **options: Any,
) -> Answer:
    """Ask a model, with the options of `ModelSpec.call_options`; silently unless given a `port`."""
    return await ask(ctx, model, messages, port=port, **model.call_options(**options))


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
