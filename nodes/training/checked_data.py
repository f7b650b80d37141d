"""The node `train.checked_prompts`: prompts, and a program that checks the answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import JsonValue, model_validator

from patchbay.nodes.contract import Context, Field, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Table
from patchbay.nodes.io.csv_table import Delimiter
from patchbay.nodes.io.records import Record, column, records
from patchbay.nodes.models.schema import check_schema
from patchbay.nodes.training.checking import CheckKind, right_of
from patchbay.nodes.training.data_node import DataNode
from patchbay.nodes.training.datasets import CheckedPrompts, DataRow, kept
from patchbay.nodes.training.said import SaidMessage, asked_in, last_words, under
from patchbay.nodes.training.splitting import nothing_held, split
from patchbay.nodes.values import FileRef

READY = Path(__file__).parent / "ready" / "sums.jsonl"
"""A small set that ships, ours, under our licence: sums, checked by a calculator."""
UNCHECKED = "none"


class CheckedPromptsNode(DataNode):
    """Prompts whose answers a program can check: rewards that can be verified.

    The right answer (the same text, contained, or the same number), a JSON schema that the answer
    has to fit, or a calculator that computes an expression and compares the last number of the
    answer. Without a check, the prompts alone, for a reward model. The split is by prompt.
    """

    kind, version = "train.checked_prompts", 1
    title, family, icon = "Prompts with a checker", "Training", "check"
    synonyms = ("rlvr", "verifiable rewards", "grpo", "dataset", "reward", "verifier")

    class Params(NodeParams):
        check: CheckKind | None = Field("calculator")
        """What is checked; empty: nothing, for a reward model."""
        prompt_field: str = Field("prompt", min_length=1)
        """The field that holds the prompt."""
        right_field: str = Field("answer", min_length=1)
        """The field of the right answer; with the calculator, of an expression such as 3 * 4."""
        json_schema: dict[str, JsonValue] | None = Field(None, widget="json")
        """The schema that answers have to fit, for that check."""
        system: str = Field("", max_length=20_000, widget="textarea")
        """A system text for all prompts."""
        held_out: float = Field(0.2, ge=0, le=0.9)
        """The share of prompts that is not trained on, to measure with."""
        seed: int = Field(0, ge=0, le=2**32 - 2)
        """Which prompts are held out."""
        delimiter: Delimiter = Field("auto")
        """How the cells of a CSV stand apart."""

        @model_validator(mode="after")
        def _there_is_a_schema(self) -> CheckedPromptsNode.Params:
            if self.check == "JSON schema":
                if self.json_schema is None:
                    raise ValueError("the check by JSON schema needs a schema")
                check_schema(self.json_schema)
            return self

    class Inputs(Ports):
        source: FileRef | str | JsonValue | None = port(
            None, doc="Records as JSON Lines, a JSON list or CSV. Without it, sums of ours."
        )

    class Outputs(Ports):
        data: CheckedPrompts = port(doc="The prompts to train on.")
        held_out: CheckedPrompts = port(doc="The prompts to measure with.")
        table: Table = port(doc="The prompts to train on, and what is right.")

    value_types = (CheckedPrompts,)

    @classmethod
    def summary(cls, params: Params) -> str:
        """The check, and how much is held out."""
        return f"{params.check or 'no check'}, {params.held_out:.0%} held out"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        outputs, warnings = await ctx.blocking(_made, inputs, params)
        for sentence in warnings:
            await ctx.warn(sentence)
        return self.Outputs(**outputs)


def _made(
    inputs: CheckedPromptsNode.Inputs, params: CheckedPromptsNode.Params
) -> tuple[dict[str, Any], list[str]]:
    ours = inputs.source is None
    given: list[Record]
    if inputs.source is None:
        given = [json.loads(line) for line in READY.read_text("utf-8").splitlines()]
    else:
        given = records(inputs.source, "source", params.delimiter)
    asked = asked_in(given, params.prompt_field if not ours else "prompt", "prompt_field")
    rows: dict[str, DataRow] = {}
    for number, (said, record) in enumerate(zip(asked, given, strict=True), 1):
        prompt = json.dumps(said, ensure_ascii=False)
        if last_words(said).strip() and prompt not in rows:
            rows[prompt] = _row(said, record, number, params, ours)
    if not rows:
        raise NodeError(
            f"Of {len(given)} records none has a prompt.",
            fix="Give records with prompts.",
            port="source",
            code="training/no-rows",
            retry=False,
        )
    twice = len(given) - len(rows)
    warnings = [f"{twice} records are empty or ask what an earlier one asks; left out."]
    train, held = split(
        list(rows.values()), [(prompt,) for prompt in rows], params.held_out, params.seed
    )
    alike = nothing_held(len(rows), len(held), params.held_out)
    name = "sums" if ours else "the wired prompts"
    shown: tuple[tuple[JsonValue, ...], ...] = tuple(
        (last_words(r["prompt"]), r["check"], _short(r["right"])) for r in train
    )
    title = f"{name}: {len(train)} prompts to train on, {len(held)} held out"
    outputs = {
        "data": kept(CheckedPrompts, train, name),
        "held_out": kept(CheckedPrompts, held, f"{name}, held out"),
        "table": Table(columns=("prompt", "check", "right"), rows=shown, title=title),
    }
    return outputs, [*(warnings if twice else []), *([alike] if alike else [])]


def _row(
    said: list[SaidMessage],
    record: Record,
    number: int,
    params: CheckedPromptsNode.Params,
    ours: bool,
) -> DataRow:
    row: DataRow = {"prompt": under(params.system, said)}
    kind = "calculator" if ours and params.check not in (None, "same number") else params.check
    if kind is None:
        return {**row, "check": UNCHECKED, "right": ""}
    if kind == "JSON schema":
        return {**row, "check": kind, "right": params.json_schema}
    field = "answer" if ours else params.right_field
    given = column([record], field, "source")[0]
    return {**row, "check": kind, "right": right_of(kind, given, number)}


def _short(right: Any) -> str:
    text = right if isinstance(right, str) else json.dumps(right)
    return text if len(text) < 200 else f"{text[:200]} …"
