"""The node `train.instruction_data`: what is asked and what is to be answered."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue, model_validator

from patchbay.nodes.contract import Context, Field, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Table
from patchbay.nodes.io.csv_table import Delimiter
from patchbay.nodes.io.records import Record, records
from patchbay.nodes.training.base import checked_base, reader_of
from patchbay.nodes.training.data_node import DataNode
from patchbay.nodes.training.datasets import DataRow, InstructionData, kept
from patchbay.nodes.training.faults import faults_of, faults_table, prompt_of
from patchbay.nodes.training.preview import preview_of
from patchbay.nodes.training.reading import (
    TaskWording,
    conversations,
    pairs,
    worded,
    wordings_of,
)
from patchbay.nodes.training.said import last_words
from patchbay.nodes.training.splitting import nothing_held, split
from patchbay.nodes.training.tokens import RowReader
from patchbay.nodes.values import FileRef, ModelSpec
from patchbay.nodes.weights.refs import quiet

READY = Path(__file__).parents[1] / "models" / "training"
"""Small sets that ship, ours, under our licence: what the shipped adapters learned from."""

RowForm = Literal["prompt and answer", "conversations", "templates"]


class InstructionDataNode(DataNode):
    """Rows to train on: prompts with answers, conversations, or a table in several wordings.

    Names what is wrong before anything is trained: rows that stand there twice, have no answer, or
    are longer than the limit, counted in tokens where a model is wired. Shows what the model will
    read, what its chat template adds by itself included, and which of it is learned. The split is
    drawn by a seed, by record: all wordings of one, and all rows of one prompt, are on the same
    side. Templates as in T0 (Sanh et al. 2022, arXiv:2110.08207).
    """

    kind, version = "train.instruction_data", 1
    title, family, icon = "Instruction data", "Training", "table"
    synonyms = ("data set", "dataset", "fine-tune", "finetuning", "sft", "instruction tuning", "t0")

    class Params(NodeParams):
        ready: Literal["sentiment", "pirate"] = Field("sentiment")
        """The set that is used where nothing is wired into `source`; both are ours."""
        form: RowForm = Field("prompt and answer")
        """What a record is: two fields, a list of messages, or fields for the wordings."""
        prompt_field: str = Field("prompt", min_length=1)
        """The field that holds the prompt."""
        answer_field: str = Field("answer", min_length=1)
        """The field that holds the answer."""
        messages_field: str = Field("messages", min_length=1)
        """The field that holds the messages of a conversation."""
        wordings: list[TaskWording] = Field([TaskWording(ask="{prompt}")], max_length=50)
        """One task in several wordings, for the form templates."""
        all_wordings: bool = Field(False)
        """Take each record in every wording; else in one that is drawn."""
        system: str = Field("", max_length=20_000, widget="textarea")
        """A system text for all rows that have none; the model's template may add its own."""
        learn: Literal["answers", "last answer", "everything"] = Field("answers")
        """What of a row the model is trained to say."""
        limit: int = Field(512, ge=16, le=1_048_576)
        """Tokens that a row may have; the end of longer ones is cut off."""
        held_out: float = Field(0.2, ge=0, le=0.9)
        """The share of records that is not trained on, to measure with."""
        seed: int = Field(0, ge=0, le=2**32 - 2)
        """Which records are held out, and which wording is drawn."""
        shown: int = Field(3, ge=0, le=100)
        """Rows in the preview."""
        delimiter: Delimiter = Field("auto")
        """How the cells of a CSV stand apart."""

        @model_validator(mode="after")
        def _there_is_a_wording(self) -> InstructionDataNode.Params:
            if self.form == "templates" and not self.wordings:
                raise ValueError("the form templates needs at least one wording")
            return self

    class Inputs(Ports):
        source: FileRef | str | JsonValue | None = port(
            None, doc="Records as JSON Lines, a JSON list or CSV: a file, its text, or JSON."
        )
        model: ModelSpec | None = port(
            None, doc="Whose tokens are counted and shown; only its tokenizer is opened."
        )

    class Outputs(Ports):
        data: InstructionData = port(doc="The rows to train on.")
        held_out: InstructionData = port(doc="The rows to measure with.")
        report: Table = port(doc="What was given, what is wrong with it, and what is kept.")
        preview: Table = port(doc="What the model reads, piece by piece, and what it learns.")
        prompts: JsonValue = port(doc="The prompts of the rows held out, for *For each*.")
        answers: JsonValue = port(doc="Their right answers, for *Accuracy*.")

    value_types = (InstructionData,)

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{params.form}, {params.held_out:.0%} held out"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        reader = None
        if inputs.model is not None:
            model = checked_base(inputs.model, quantized=True)
            reader = await ctx.blocking(reader_of, model, quiet)
        made, sentences, outputs = await ctx.blocking(_made, inputs, params, reader)
        for sentence in sentences:
            await ctx.warn(sentence)
        if reader is None:
            await ctx.progress("no model is wired, so tokens are not counted", made, made)
        return self.Outputs(**outputs)


def _made(
    inputs: InstructionDataNode.Inputs, params: InstructionDataNode.Params, reader: RowReader | None
) -> tuple[int, list[str], dict[str, Any]]:
    made, marks, unnamed = _rows(inputs, params)
    rows = [row | {"learn": params.learn} for row in made]
    faults = faults_of(rows, reader, params.limit, unnamed)
    dropped = faults.dropped
    left = [at for at in range(len(rows)) if at + 1 not in dropped]
    good = [rows[at] for at in left]
    if not good:
        raise NodeError(
            f"Of {len(rows)} rows none is left to train on. {' '.join(faults.sentences())}",
            fix="Give rows with answers; raise the limit of tokens where they are cut off; take a "
            "model whose chat template writes tool calls, or set one, where these are lost.",
            port="source",
            code="training/no-rows",
            retry=False,
        )
    train, held = split(good, [marks[at] for at in left], params.held_out, params.seed)
    alike = nothing_held(len(good), len(held), params.held_out)
    name = "the wired rows" if inputs.source is not None else params.ready
    title = f"{name}: {len(train)} rows to train on, {len(held)} held out"
    return (
        len(rows),
        [*faults.sentences(), *([alike] if alike else [])],
        {
            "data": kept(InstructionData, train, name),
            "held_out": kept(InstructionData, held, f"{name}, held out"),
            "report": faults_table(faults, len(rows), len(good), title),
            "preview": preview_of(train[: params.shown], reader, params.limit),
            "prompts": [_asked(row) for row in held],
            "answers": [_answered(row) for row in held],
        },
    )


def _rows(
    inputs: InstructionDataNode.Inputs, params: InstructionDataNode.Params
) -> tuple[list[DataRow], list[set[Hashable]], list[int]]:
    """The rows, of each what it came from, and those with an answer that has no other name."""
    given: list[Record]
    if inputs.source is None:
        given = ready_rows(params.ready)
    else:
        given = records(inputs.source, "source", params.delimiter)
    each, asked, unnamed = 1, [frozenset[str]()] * len(given), list[int]()
    if params.form == "templates":
        rows, unnamed = worded(
            given, params.wordings, params.system, params.all_wordings, params.seed
        )
        each = len(params.wordings) if params.all_wordings else 1
        asked = [wordings_of(record, params.wordings) for record in given]
    elif params.form == "conversations":
        rows = conversations(given, params.messages_field, params.system)
    elif inputs.source is None:
        rows = pairs(given, "prompt", "answer", params.system)
    else:
        rows = pairs(given, params.prompt_field, params.answer_field, params.system)
    prompts = [prompt_of(row) for row in rows]
    several = len(set(prompts)) > 1  # one prompt for all tells no record from another
    marks: list[set[Hashable]] = [
        {at // each, *(("asked", one) for one in asked[at // each])}
        | ({("prompt", prompts[at])} if several else set())
        for at in range(len(rows))
    ]
    return rows, marks, unnamed


def ready_rows(name: str) -> list[Record]:
    """The records of a set that ships."""
    lines = (READY / f"{name}.tsv").read_text("utf-8").splitlines()
    cells = (line.split("\t") for line in lines)
    return [{"prompt": cell[0], "answer": cell[1]} for cell in cells]


def _asked(row: DataRow) -> str:
    """What the person says last before the answer."""
    return last_words(row["messages"][: _last_answer(row)])


def _answered(row: DataRow) -> str:
    """The last answer, whatever is said after it."""
    return str(row["messages"][_last_answer(row)]["content"])


def _last_answer(row: DataRow) -> int:
    return max(at for at, one in enumerate(row["messages"]) if one["role"] == "assistant")
