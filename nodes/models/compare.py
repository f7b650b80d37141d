"""The node `model.compare`: one prompt, several models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.models.asking import Answer, ask, conversation, one_line
from patchbay.nodes.models.options import MaxTokens, Sampling
from patchbay.nodes.values import Message, ModelSpec, Spec

GIGABYTE = 1e9
_NAMING = ("model", "weights", "base", "name")
"""Fields of a description that tell a person which model it is, the best first."""


class CompareModels(Node):
    """Ask several models the same, in parallel, and set the answers and their speed side by side.

    A model that fails is a row with its error; the others are not held up. Models that run on the
    same machine at once slow each other down: turn `at once` off to measure speed. The time that it
    takes to open a model does not count.
    """

    kind, version = "model.compare", 1
    title, family, icon = "Compare models", "Models", "compare"
    synonyms = ("arena", "side by side", "benchmark", "a/b test")
    deterministic = False

    class Params(NodeParams, Sampling):
        names: list[str] = Field([], max_length=100)
        """What to call the models, in the order of the wires; else their own names."""
        at_once: bool = Field(True)
        """Ask all at the same time; off, one after the other, so that speeds can be compared."""
        system: str = Field("", max_length=1_000_000, widget="textarea")
        """What every model is told before the prompt."""
        max_tokens: MaxTokens = 256

    class Inputs(Ports):
        models: list[ModelSpec] = port(doc="The models to ask; takes many wires.")
        prompt: str | list[Message] = port(doc="What to ask: a text, or a whole conversation.")

    class Outputs(Ports):
        answers: JsonValue = port(doc="The answer of each model by its name, null where it failed.")
        table: Table = port(doc="Answers, tokens a second, first-token time, memory and errors.")
        speed: Chart = port(doc="Tokens a second.")
        first_token: Chart = port(doc="Seconds until the first token.")
        memory: Chart = port(doc="Estimated memory in gigabytes.")

    @classmethod
    def summary(cls, params: Params) -> str:
        return "at once" if params.at_once else "one after the other"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        messages = conversation(inputs.prompt, params.system)
        names = _names(inputs.models, params.names)
        results = await _all(inputs.models, names, messages, params, ctx)
        if all(result.error for result in results):
            raise NodeError(
                f"Every model failed. {results[0].name}: {results[0].error}",
                fix=results[0].fix,
                port="models",
                code="compare/all-failed",
            )
        for result in results:
            if result.error:
                await ctx.warn(f"{result.name} failed: {result.error} {result.fix}".strip())
        return _outputs(results)


def _outputs(results: list[_Result]) -> CompareModels.Outputs:
    return CompareModels.Outputs(
        answers={r.name: r.answer.text if r.answer else None for r in results},
        table=_table(results),
        speed=_chart(results, "tokens a second", "Speed"),
        first_token=_chart(results, "first token (s)", "Seconds until the first token"),
        memory=_chart(results, "memory (GB)", "Estimated memory"),
    )


@dataclass(frozen=True, slots=True)
class _Result:
    """What came of asking one model."""

    name: str
    memory: int | None
    answer: Answer | None = None
    error: str = ""
    fix: str = ""

    def row(self) -> dict[str, JsonValue]:
        """The figures by column."""
        answer = self.answer
        return {
            "model": self.name,
            "answer": one_line(answer.text, 500) if answer else None,
            "tokens a second": _speed(answer) if answer else None,
            "first token (s)": answer.first_token_s if answer else None,
            "tokens": answer.answer_tokens if answer else None,
            "memory (GB)": None if self.memory is None else self.memory / GIGABYTE,
            "error": self.error,
        }


async def _all(
    models: list[ModelSpec], names: list[str], messages: list[Message],
    params: CompareModels.Params, ctx: Context,
) -> list[_Result]:  # fmt: skip
    import asyncio

    answered: list[_Result] = []

    async def one(model: ModelSpec, name: str) -> _Result:
        result = await _asked(model, name, messages, params, ctx)
        answered.append(result)
        ctx.so_far(lambda: _outputs(answered))
        await ctx.progress("models", len(answered), len(models))
        return result

    pairs = list(zip(models, names, strict=True))
    if not params.at_once:
        return [await one(model, name) for model, name in pairs]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(model, name)) for model, name in pairs]
    return [task.result() for task in tasks]


async def _asked(
    model: ModelSpec, name: str, messages: list[Message], params: CompareModels.Params, ctx: Context
) -> _Result:
    """Ask one model. Whatever goes wrong with it is part of the result."""
    memory = None
    try:
        memory = await ctx.blocking(total_memory, model)
        answer = await ask(ctx, model, messages, params.sampling, port=None, says_cut=False)
        if answer.cut:
            await ctx.warn(f"{name}: {answer.shortfall()}")
    except NodeError as error:
        return _Result(name, memory, error=error.message, fix=error.fix)
    except Exception as error:  # a backend's own: still only this model's row
        return _Result(name, memory, error=f"{type(error).__name__}: {error}")
    return _Result(name, memory, answer)


def total_memory(spec: Spec) -> int | None:
    """Estimated bytes of a description and all its parts, each resource counted once.

    None where nothing is known.
    """
    seen: list[Spec] = []

    def visit(part: Spec) -> None:
        if (resource := part.resource()) not in seen:
            seen.append(resource)
            for inner in part.parts():
                visit(inner)

    visit(spec)
    # A fallback takes nothing itself, and what a server takes is not known here: that is no zero.
    return sum(part.memory() or 0 for part in seen) or None


def model_name(model: Spec) -> str:
    """What a person calls the model: its weights, or its name on a server."""
    for field in _NAMING:
        value: Any = getattr(model, field, None)
        if isinstance(value, str) and value:
            return value.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    parts = [model_name(part) for part in model.parts()]
    return " + ".join(parts) or model.backend or model.type_id()


def _names(models: Sequence[Spec], given: Sequence[str]) -> list[str]:
    """A name for each model, no two alike."""
    names = [
        given[index] if index < len(given) and given[index] else model_name(model)
        for index, model in enumerate(models)
    ]
    often, seen = Counter(names), Counter[str]()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(f"{name} #{seen[name]}" if often[name] > 1 else name)
    return unique


def _speed(answer: Answer) -> float | None:
    """Tokens a second after the first one."""
    if not answer.generating_s or answer.answer_tokens < 2:
        return None
    return (answer.answer_tokens - 1) / answer.generating_s


def _table(results: list[_Result]) -> Table:
    rows = [result.row() for result in results]
    return Table(
        columns=tuple(rows[0]),
        rows=tuple(tuple(row.values()) for row in rows),
        title=f"{len(rows)} models, one prompt",
    )


def _chart(results: list[_Result], what: str, title: str) -> Chart:
    rows = [row for result in results if (row := result.row())[what] is not None]
    shown = tuple({"model": row["model"], what: row[what]} for row in rows)
    return Chart(kind="bar", rows=shown, x="model", y=what, title=title)
