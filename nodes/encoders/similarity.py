"""The node `embeddings.similarity`: how alike texts and pictures are, as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchbay.nodes.contract import Context, JsonValue, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.encoders.things import labels_of, number, texts_in, vectors_of
from patchbay.nodes.figures import Chart, Picture, Table
from patchbay.nodes.values import Document, EmbeddingsSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 70
"""Things on one side: more cells than 70 × 70 nobody reads."""


class SimilarityMatrix(Node):
    """Compare every text and picture with every other: their cosines, as a heat map.

    1 is the same direction, 0 none in common. With `others`, rows are compared with those instead
    of with each other, such as pictures with captions (the figure of the CLIP paper, Radford et al.
    2021). With MiniLM the texts are compared by their meaning, with CLIP pictures as well.
    """

    kind, version = "embeddings.similarity", 1
    title, family, icon = "Similarity matrix", "Encoders", "table"
    synonyms = ("heatmap", "heat map", "cosine", "compare embeddings", "sts", "confusion")
    requires = ("numpy",)

    class Params(NodeParams):
        """No params."""

    class Inputs(Ports):
        embeddings: EmbeddingsSpec = port(doc="Turns texts, and with CLIP pictures, into vectors.")
        texts: str | JsonValue | list[Document] = port(None, doc="A list, or one text a line.")
        pictures: list[Picture] = port([], doc="Pictures, for embeddings that see.")
        others: str | JsonValue | list[Document] = port(
            None, doc="Texts to compare with; without, everything with everything."
        )

    class Outputs(Ports):
        chart: Chart = port(doc="The heat map.")
        table: Table = port(doc="The matrix in numbers.")
        pairs: Table = port(doc="All pairs, the most alike first.")

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        texts = [] if inputs.texts is None else texts_in(inputs.texts, "texts")
        pictures = list(inputs.pictures)
        others = [] if inputs.others is None else texts_in(inputs.others, "others")
        many = len(texts) + len(pictures)
        if many + len(others) < 2 or not many:
            raise _size(f"There is nothing to compare: {many} rows and {len(others)} others.")
        if max(many, len(others)) > MOST:
            raise _size(f"A matrix of more than {MOST} rows or columns cannot be read.")
        vectors = await vectors_of(inputs.embeddings, [*texts, *others], pictures, ctx)
        at = len(texts)
        rows = _rows(vectors, at, len(others))
        names = labels_of(texts, pictures)
        across = labels_of(others) if others else names
        columns = vectors[at : at + len(others)] if others else rows
        cosines = rows @ columns.T
        return self.Outputs(
            chart=_heat(names, across, cosines),
            table=Table(
                columns=("", *across),
                rows=tuple(
                    (name, *(number(value) for value in row))
                    for name, row in zip(names, cosines, strict=True)
                ),
                title="Cosines",
            ),
            pairs=_pairs(names, across, cosines, mirrored=not others),
        )


def _rows(vectors: NDArray[np.float64], texts: int, others: int) -> NDArray[np.float64]:
    """The vectors of texts and pictures, without those of the others between them."""
    import numpy as np

    return np.concatenate([vectors[:texts], vectors[texts + others :]])


def _heat(names: list[str], across: list[str], cosines: NDArray[np.float64]) -> Chart:
    cells: tuple[dict[str, JsonValue], ...] = tuple(
        {"row": name, "column": other, "cosine": number(cosines[i, j])}
        for i, name in enumerate(names)
        for j, other in enumerate(across)
    )
    return Chart(
        kind="heat", rows=cells, x="column", y="row", color="cosine", title="How alike they are"
    )


def _pairs(
    names: list[str], across: list[str], cosines: NDArray[np.float64], *, mirrored: bool
) -> Table:
    found = [
        (name, other, number(cosines[i, j]))
        for i, name in enumerate(names)
        for j, other in enumerate(across)
        if not mirrored or i < j
    ]
    found.sort(key=lambda pair: -float(str(pair[2])))
    return Table(columns=("one", "other", "cosine"), rows=tuple(found), title="Pairs")


def _size(message: str) -> NodeError:
    return NodeError(
        message,
        fix=f"Wire between 2 and {MOST} texts or pictures.",
        port="texts",
        code="embeddings/how-many",
        retry=False,
    )
