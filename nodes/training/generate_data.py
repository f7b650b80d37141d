"""The node `train.generate_data`: a model writes rows; bad ones and twins are left out."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from pydantic import JsonValue, field_validator

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Table
from patchbay.nodes.io.records import records
from patchbay.nodes.models.asking import Answer, ask, conversation, derived_seed, side_by_side
from patchbay.nodes.models.options import MaxTokens, Sampling, Seed, repeats
from patchbay.nodes.prompts.braces import fill, variables
from patchbay.nodes.training.said import asked_in, last_words
from patchbay.nodes.training.twins import TwinFinder
from patchbay.nodes.values import FileRef, ModelSpec

ROUND = 8
"""Rows that are asked for at once."""
READY = (
    "How do I mend a flat tyre?", "Which lock is safe enough for a city?",
    "My brakes squeal when it rains. Why?", "Can I get my bicycle back by Friday?",
    "Is a helmet of ten years still good?",
)  # fmt: skip
"""Examples of ours, where none are wired: a bicycle shop."""


class GenerateData(Node):
    """Have a model write rows to train on: prompts like your examples, and answers to them.

    Self-Instruct (Wang et al. 2022, arXiv:2212.10560): some examples, drawn anew each time, are
    shown, and one more is asked for. Left out, and counted in the report, are empty rows, those
    that were cut off, those that are too short or too long, and twins: prompts whose longest common
    sequence of words with an earlier one, or with an example, is as long as `twins` says (ROUGE-L).
    What a model writes is no better than the model: read it before you train on it.
    """

    kind, version = "train.generate_data", 1
    title, family, icon = "Generate data", "Training", "spark"
    synonyms = (
        "synthetic data",
        "self-instruct",
        "augment",
        "dataset",
        "distillation",
        "bootstrap",
    )
    deterministic = False

    class Params(NodeParams, Sampling):
        ask: str = Field(
            "Questions that customers ask in a bicycle shop:\n{examples}\nWrite one more question, "
            "in one line.",
            max_length=20_000,
            widget="textarea",
        )
        """How the model is asked for a prompt; {examples} are those that are shown."""
        answer: str = Field("{prompt}", max_length=20_000, widget="textarea")
        """How it is asked for the answer to {prompt}; empty: rows have none."""
        count: int = Field(10, ge=1, le=10_000)
        """Rows that are wanted."""
        tries: int = Field(3, ge=1, le=20)
        """How many are written for each that is wanted, at most."""
        shown: int = Field(3, ge=0, le=50)
        """Examples that are shown at a time."""
        shortest: int = Field(3, ge=1, le=1000)
        """Words that a prompt has at least."""
        longest: int = Field(100, ge=1, le=10_000)
        """Words that a prompt has at most."""
        twins: float = Field(0.7, gt=0, le=1)
        """From which share of words in common a prompt is a twin; 1: only the very same."""
        temperature: float | None = Field(0.9, ge=0, le=5)
        """How freely words are chosen."""
        seed: Seed = 0
        """Which examples are shown when, and what is written."""
        max_tokens: MaxTokens = 128

        @field_validator("ask")
        @classmethod
        def _knows_examples(cls, text: str) -> str:
            return _only(text, "examples")

        @field_validator("answer")
        @classmethod
        def _knows_prompt(cls, text: str) -> str:
            return _only(text, "prompt")

    class Inputs(Ports):
        model: ModelSpec = port(doc="The model that writes.")
        examples: FileRef | str | JsonValue | None = port(
            None, doc="Examples: a JSON list of texts, or records with a prompt. Without it, ours."
        )

    class Outputs(Ports):
        records: JsonValue = port(doc="The rows: prompt and answer, for *Instruction data*.")
        table: Table = port(doc="The rows, to be read.")
        report: Table = port(doc="How many were written, kept, and left out for what.")

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """At temperature 0, or with a seed."""
        return repeats(params, inputs)

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{params.count} rows"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        given = await ctx.blocking(examples_of, inputs.examples)
        made = _Made(params, given, TwinFinder(params.twins, given))
        while len(made.rows) < params.count and made.written < params.tries * params.count:
            left = min(params.tries * params.count - made.written,
                       max(1, params.count - len(made.rows)), ROUND)  # fmt: skip
            prompts = await side_by_side(
                [partial(_written, inputs.model, made.asked(n), ctx, made.call(n))
                 for n in range(made.written, made.written + left)],
                ctx, f"writing from number {made.written + 1} on",
            )  # fmt: skip
            chosen = [text for said in prompts if (text := made.taken(said))]
            if params.answer and chosen:
                answers = await side_by_side(
                    [
                        partial(_written, inputs.model, made.question(prompt), ctx, call)
                        for prompt, call in made.calls(chosen)
                    ],
                    ctx,
                    f"answering from number {made.written + 1} on",
                )
                made.answered(chosen, answers)
            else:
                made.rows += [{"prompt": prompt} for prompt in chosen]
            if made.rows:
                ctx.so_far(made.outputs)
            await ctx.progress("rows", len(made.rows), params.count)
        if not made.rows:
            raise NodeError(
                f"Of {made.written} rows that were written none is left: {made.why()}.",
                fix="Look at what the model writes with Ask; change `ask`, or wire a larger model.",
                port="model",
                code="training/no-rows",
                retry=False,
            )
        if len(made.rows) < params.count:
            await ctx.warn(f"{len(made.rows)} of {params.count} rows came about: {made.why()}.")
        return made.outputs()


@dataclass(slots=True)
class _Made:
    """What has come about so far."""

    params: GenerateData.Params
    examples: list[str]
    finder: TwinFinder
    rows: list[dict[str, JsonValue]] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    written: int = 0

    def asked(self, number: int) -> str:
        """What the model is asked for the prompt of this number."""
        drawn = random.Random(f"{self.params.seed}:{number}")  # noqa: S311 - no secret
        some = drawn.sample(self.examples, min(self.params.shown, len(self.examples)))
        shown = "\n".join(f"- {one}" for one in some)
        return fill(self.params.ask, lambda _: shown)

    def call(self, number: int, about: str = "prompt") -> CallOptions:
        """Options of a request, with a seed of its own."""
        seed = derived_seed(self.params.seed, number, about)
        return replace(self.params.sampling, seed=seed)

    def question(self, prompt: str) -> str:
        """What the model is asked for the answer to a prompt."""
        return fill(self.params.answer, lambda _: prompt)

    def calls(self, prompts: Sequence[str]) -> list[tuple[str, CallOptions]]:
        """Each prompt with the options of the request for its answer."""
        return [(p, self.call(n, "answer")) for n, p in enumerate(prompts, self.written)]

    def taken(self, said: Answer) -> str:
        """The prompt in what was written; "" where it is left out."""
        self.written += 1
        lines = [line.strip(" -*\t\"'") for line in said.text.splitlines() if line.strip()]
        text = lines[0] if lines else ""
        words = len(text.split())
        why = (
            "empty" if not text
            else "cut off" if said.cut and len(lines) < 2
            else "too short" if words < self.params.shortest
            else "too long" if words > self.params.longest
            else "twins" if self.finder.is_twin(text)
            else ""
        )  # fmt: skip
        if why:
            self.lost[why] += 1
            return ""
        self.finder.add(text)
        return text

    def answered(self, prompts: Sequence[str], answers: Sequence[Answer]) -> None:
        """Keep those that have an answer."""
        for prompt, said in zip(prompts, answers, strict=True):
            if not said.text.strip():
                self.lost["without an answer"] += 1
            elif said.cut:
                self.lost["with an answer that was cut off"] += 1
            elif len(self.rows) < self.params.count:
                self.rows.append({"prompt": prompt, "answer": said.text.strip()})

    def why(self) -> str:
        """What was left out, in words."""
        return ", ".join(f"{count} {what}" for what, count in self.lost.items()) or "none was lost"

    def table(self) -> Table:
        """The rows."""
        columns = ("prompt", "answer") if self.params.answer else ("prompt",)
        rows = tuple(tuple(row.get(name) for name in columns) for row in self.rows)
        return Table(columns=columns, rows=rows, title=f"{len(self.rows)} rows")

    def outputs(self) -> GenerateData.Outputs:
        """What the node gives of it."""
        return GenerateData.Outputs(
            records=list(self.rows), table=self.table(), report=self.report()
        )  # fmt: skip

    def report(self) -> Table:
        """How many were written, kept, and left out for what."""
        said: list[tuple[str, JsonValue]] = [("written", self.written), ("kept", len(self.rows))]
        return Table(columns=("what", "rows"), rows=(*said, *self.lost.items()),
                     title="What was written")  # fmt: skip


async def _written(model: ModelSpec, prompt: str, ctx: Context, call: CallOptions) -> Answer:
    messages = conversation(prompt, "", "examples")
    return await ask(ctx, model, messages, call, port=None, says_cut=False)


def examples_of(given: FileRef | JsonValue) -> list[str]:
    """What is shown of what is wired: texts, or the prompts of records; ours where nothing is."""
    if given is None:
        return list(READY)
    if isinstance(given, list) and given and all(isinstance(one, str) for one in given):
        return [str(one) for one in given]
    rows = records(given, "examples")
    name = "prompt" if "prompt" in rows[0] else next(iter(rows[0]))
    asked = asked_in([row for row in rows if row.get(name)], name, "examples")
    return [said for one in asked if (said := last_words(one).strip())]


def _only(text: str, name: str) -> str:
    if strange := sorted(set(variables(text)) - {name}):
        raise ValueError(f"knows only {{{name}}}, not {{{strange[0]}}}; {{{{ writes a brace")
    return text
