"""The node `prompt.select_examples`: which solved cases a prompt shows."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.embedded import embedded, embedded_query
from patchbay.nodes.figures import Table
from patchbay.nodes.io.csv_table import Delimiter
from patchbay.nodes.io.records import column, records
from patchbay.nodes.prompts import selection
from patchbay.nodes.prompts.few_shot import Example
from patchbay.nodes.values import EmbeddingsSpec, FileRef, Promptable, as_text

Method = Literal["first", "random", "balanced", "similar", "diverse"]
BY_MEANING: tuple[Method, ...] = ("similar", "diverse")
"""Methods that compare the new case with the examples."""


class SelectExamples(Node):
    """Choose the solved cases that a few-shot prompt shows, from a table or a file.

    `first` takes them as they stand, `random` draws with a seed, `balanced` draws every answer
    equally often (Zhao et al. 2021, arXiv:2102.09690). `similar` takes those nearest in meaning to
    the new case (Liu et al. 2021, "What Makes Good In-Context Examples for GPT-3?",
    arXiv:2101.06804), and `diverse` those that are near the case but not near each other: maximal
    marginal relevance (Carbonell and Goldstein 1998). The last two need embeddings, and put the
    nearest example last, right before the case.
    """

    kind, version, edition = "prompt.select_examples", 1, 2
    title, family, icon = "Select examples", "Prompts", "funnel"
    front = ("method", "count")
    synonyms = ("example selector", "nearest examples", "knn", "few shot")

    class Params(NodeParams):
        method: Method = Field("balanced")
        """How examples are chosen."""
        count: int = Field(4, ge=0, le=1000)
        """How many to choose; all where there are fewer."""
        examples: list[Example] = Field(
            [
                Example(input="I loved every minute of it.", output="positive"),
                Example(input="A waste of two hours.", output="negative"),
                Example(input="The actors were wonderful.", output="positive"),
                Example(input="Boring, and far too long.", output="negative"),
            ],
        )
        """What to choose from. A wire into `source` takes its place."""
        seed: int = Field(0, ge=0, le=2**32 - 2)
        """For `random` and `balanced`: the same seed chooses the same examples."""
        relevance: float = Field(0.5, ge=0, le=1, widget="slider")
        """For `diverse`: 1 looks only at nearness to the case, 0 only at difference."""
        input_field: str = Field("input", min_length=1)
        """The field of a wired record that holds the case."""
        output_field: str = Field("output", min_length=1)
        """The field of a wired record that holds its answer."""
        delimiter: Delimiter = Field("auto")
        """How the cells of a CSV stand apart; `auto` finds it, or says that it cannot."""

    class Inputs(Ports):
        input: Promptable | None = port(None, doc="The new case, for `similar` and `diverse`.")
        source: FileRef | str | JsonValue | None = port(
            None, doc="Examples as JSON Lines, a JSON list or CSV: a file, its text, or JSON."
        )
        embeddings: EmbeddingsSpec | None = port(
            None, doc="What compares meanings, for `similar` and `diverse`."
        )

    class Outputs(Ports):
        examples: JsonValue = port(doc="The chosen cases, each with `input` and `output`.")
        table: Table = port(doc="The same, to look at.")

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{params.count} {params.method}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        pool = await ctx.blocking(_pool, inputs, params)
        chosen = [pool[index] for index in await _chosen(pool, inputs, params, ctx)]
        return self.Outputs(
            examples=[example.model_dump() for example in chosen],
            table=Table(
                columns=("input", "output"),
                rows=tuple((example.input, example.output) for example in chosen),
                title=f"{len(chosen)} of {len(pool)} examples, {params.method}",
            ),
        )


def _pool(inputs: SelectExamples.Inputs, params: SelectExamples.Params) -> list[Example]:
    if inputs.source is None:
        return params.examples
    rows = records(inputs.source, "source", params.delimiter)
    asked = column(rows, params.input_field, "source")
    solved = column(rows, params.output_field, "source")
    return [Example(input=i, output=o) for i, o in zip(asked, solved, strict=True)]


async def _chosen(
    pool: list[Example], inputs: SelectExamples.Inputs, params: SelectExamples.Params, ctx: Context
) -> list[int]:
    count = params.count
    if params.method == "first":
        return selection.first(len(pool), count)
    if params.method == "random":
        return selection.at_random(len(pool), count, params.seed)
    if params.method == "balanced":
        return selection.balanced([example.output for example in pool], count, params.seed)
    if not pool:
        return []
    query, vectors = await _embedded(pool, inputs, params.method, ctx)
    if params.method == "similar":
        return selection.similar(query, vectors, count)
    return selection.diverse(query, vectors, count, params.relevance)


async def _embedded(
    pool: list[Example], inputs: SelectExamples.Inputs, method: Method, ctx: Context
) -> tuple[list[float], list[list[float]]]:
    """The vectors of the new case and of all examples."""
    if inputs.embeddings is None:
        raise _needs("embeddings", method, "Wire an embeddings node into it")
    if inputs.input is None:
        raise _needs("input", method, "Wire the new case into it")
    case = as_text(inputs.input)
    async with ctx.use(inputs.embeddings) as embeddings:
        texts = [example.input for example in pool]
        vectors = (await ctx.blocking(embedded, embeddings, texts)).tolist()
        wide = len(vectors[0]) if vectors else 0
        return (await ctx.blocking(embedded_query, embeddings, case, wide)).tolist(), vectors


def _needs(name: str, method: Method, fix: str) -> NodeError:
    return NodeError(
        f'Choosing examples by "{method}" needs "{name}", but nothing is wired there.',
        fix=f"{fix}, or choose another method.",
        port=name,
        code="prompt/selection",
        retry=False,
    )
