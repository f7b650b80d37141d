"""The node `eval.data`: cases with the right answers."""

from __future__ import annotations

import random

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, port
from patchbay.nodes.figures import Table
from patchbay.nodes.io.csv_table import Delimiter
from patchbay.nodes.io.records import column, records
from patchbay.nodes.values import FileRef


class Case(NodeParams):
    """A case with its right answer."""

    input: str
    """The case."""
    label: str
    """The right answer."""


class LabelledData(Node):
    """Cases with their right answers, from a table or a file: to measure how often a flow is right.

    The cases can go into *For each*, and the labels into *Accuracy*. A sample is drawn with a seed,
    so that the same cases are measured again.
    """

    kind, version, edition = "eval.data", 1, 2
    title, family, icon = "Labelled data", "Evaluation", "table"
    synonyms = ("data set", "dataset", "examples", "test set", "csv")

    class Params(NodeParams):
        cases: list[Case] = Field(
            [
                Case(input="I loved every minute of it.", label="positive"),
                Case(input="A waste of two hours.", label="negative"),
            ],
        )
        """The cases. A wire into `source` takes their place."""
        sample: int | None = Field(None, ge=1)
        """Use only so many, drawn at random; all without a number."""
        seed: int = Field(0, ge=0, le=2**32 - 2)
        """Which ones are drawn."""
        input_field: str = Field("input", min_length=1)
        """The field of a wired record that holds the case."""
        label_field: str = Field("label", min_length=1)
        """The field of a wired record that holds the right answer."""
        delimiter: Delimiter = Field("auto")
        """How the cells of a CSV stand apart; `auto` finds it, or says that it cannot."""

    class Inputs(Ports):
        source: FileRef | str | JsonValue | None = port(
            None, doc="Cases as JSON Lines, a JSON list or CSV: a file, its text, or JSON."
        )

    class Outputs(Ports):
        inputs: JsonValue = port(doc="The cases, as a list of texts.")
        labels: JsonValue = port(doc="The right answers, in the same order.")
        table: Table = port(doc="Both, to look at.")

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{len(params.cases)} cases" if params.sample is None else f"{params.sample} drawn"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        cases = await ctx.blocking(_cases, inputs, params)
        if params.sample is not None and params.sample < len(cases):
            drawn = random.Random(params.seed).sample(  # noqa: S311 - no secret
                range(len(cases)), params.sample
            )
            cases = [cases[index] for index in sorted(drawn)]
        return self.Outputs(
            inputs=[case.input for case in cases],
            labels=[case.label for case in cases],
            table=Table(
                columns=("input", "label"),
                rows=tuple((case.input, case.label) for case in cases),
                title=f"{len(cases)} labelled cases",
            ),
        )


def _cases(inputs: LabelledData.Inputs, params: LabelledData.Params) -> list[Case]:
    if inputs.source is None:
        return params.cases
    rows = records(inputs.source, "source", params.delimiter)
    asked = column(rows, params.input_field, "source")
    labels = column(rows, params.label_field, "source")
    return [Case(input=i, label=right) for i, right in zip(asked, labels, strict=True)]
