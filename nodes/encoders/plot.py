"""The node `embeddings.plot`: texts and pictures as points of a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patchbay.nodes.contract import Context, JsonValue, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.encoders.things import labels_of, number, texts_in, unit, vectors_of
from patchbay.nodes.figures import Chart, Picture, Table
from patchbay.nodes.retrieval.index import IndexSpec
from patchbay.nodes.values import Document, EmbeddingsSpec, as_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 2000
"""Points that a plot shows."""


class EmbeddingPlot(Node):
    """Show texts, pictures, or a whole index as points of a plane: what is alike lies together.

    The plane is the one on which the points spread the most: the first two principal components
    (Pearson 1901). How much of the spread is left on it is said at the axes; what is alike in the
    other directions only cannot be seen. Groups, where they are wired in, give the points colors.
    """

    kind, version = "embeddings.plot", 1
    title, family, icon = "Embedding plot", "Encoders", "chart"
    synonyms = ("pca", "scatter plot", "visualize embeddings", "projection", "2d", "t-sne", "umap")
    requires = ("numpy",)

    class Params(NodeParams):
        """No params."""

    class Inputs(Ports):
        embeddings: EmbeddingsSpec | None = port(None, doc="Turns what is wired in into vectors.")
        texts: str | JsonValue | list[Document] = port(None, doc="A list, or one text a line.")
        pictures: list[Picture] = port([], doc="Pictures, for embeddings that see.")
        groups: JsonValue = port(None, doc="What each point belongs to, a list in their order.")
        index: IndexSpec | None = port(None, doc="An index whose chunks or pictures are shown.")

    class Outputs(Ports):
        chart: Chart = port(doc="The points, with their labels.")
        table: Table = port(doc="The same in numbers.")
        kept: float = port(doc="The share of the spread that the plane shows, 0 to 1.")

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        labels, vectors, groups = await _given(inputs, ctx)
        if inputs.groups is not None:
            groups = _groups(inputs.groups, len(labels))
        if not 3 <= len(labels) <= MOST:
            raise _how_many(len(labels))
        places, kept = on_a_plane(vectors)
        rows = [
            {"label": label, "1st": number(x), "2nd": number(y), "group": group}
            for label, (x, y), group in zip(labels, places, groups, strict=True)
        ]
        grouped = len(set(groups)) > 1
        columns = ("label", "1st", "2nd", *(["group"] if grouped else []))
        chart = Chart(
            kind="point", rows=tuple(rows), x="1st", y="2nd", label="label",
            color="group" if grouped else None,
            title=f"{len(labels)} points; the plane shows {sum(kept):.0%} of their spread",
            x_title=f"1st component ({kept[0]:.0%})", y_title=f"2nd component ({kept[1]:.0%})",
        )  # fmt: skip
        table = Table(columns=columns, rows=tuple(tuple(r[c] for c in columns) for r in rows))
        return self.Outputs(chart=chart, table=table, kept=round(sum(kept), 6))


async def _given(inputs: Any, ctx: Context) -> tuple[list[str], NDArray[np.float64], list[str]]:
    """Labels, vectors and groups of all that is wired in; the chunks of an index come last."""
    import numpy as np

    texts = [] if inputs.texts is None else texts_in(inputs.texts, "texts")
    pictures = list(inputs.pictures)
    found: list[NDArray[np.float64]] = []
    indexed: list[Document] = []
    if texts or pictures:
        if inputs.embeddings is None:
            raise NodeError(
                "Texts and pictures need embeddings to become points.",
                fix='Wire some into "embeddings".',
                port="embeddings",
                code="retrieval/no-vectors",
                retry=False,
            )
        found.append(await vectors_of(inputs.embeddings, texts, pictures, ctx))
    if inputs.index is not None:
        async with ctx.use(inputs.index, slot=False) as index:
            indexed = list(index.documents[: MOST + 1])
            found.append(unit(await ctx.blocking(index.vectors, range(len(indexed)))))
    if len({rows.shape[1] for rows in found}) > 1:
        raise NodeError(
            "The index was made with other embeddings than those that are wired in.",
            fix="Wire the same embeddings into both.",
            port="embeddings",
            code="retrieval/bad-vectors",
            retry=False,
        )
    labels = labels_of([*texts, *(_called(one) for one in indexed)], ())
    labels[len(texts) : len(texts)] = labels_of([], pictures)
    groups = ["text"] * len(texts) + ["picture"] * len(pictures)
    groups += [str(one.metadata.get("source", "index")) for one in indexed]
    if indexed and "sha256" in indexed[0].metadata:  # pictures: each is a source of its own
        groups[len(texts) + len(pictures) :] = ["picture"] * len(indexed)
    vectors = np.concatenate(found) if found else np.zeros((0, 2), np.float64)
    return labels, vectors, groups


def _called(document: Document) -> str:
    is_picture = "sha256" in document.metadata
    return str(document.metadata["source"]) if is_picture else document.text


def on_a_plane(vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """The first two principal components of rows, and the share of the variance of each.

    The signs are such that the largest coordinate of each component is positive: the same points
    give the same picture everywhere.
    """
    import numpy as np

    centred = vectors - vectors.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(vectors), 2))
    wide = min(2, len(values))
    places[:, :wide] = left[:, :wide] * values[:wide]
    for column in range(2):
        side = places[:, column]
        if side[np.argmax(np.abs(side))] < 0:
            places[:, column] = -side
    shares = np.zeros(2)
    if (whole := float((values**2).sum())) > 0:
        shares[:wide] = values[:wide] ** 2 / whole
    return places, (float(shares[0]), float(shares[1]))


def _groups(given: JsonValue, many: int) -> list[str]:
    if isinstance(given, list) and len(given) == many:
        return [as_text(group) for group in given]
    what = f"{len(given)} groups" if isinstance(given, list) else "no list"
    raise NodeError(
        f'"groups" holds {what} for {many} points.',
        fix="Give one for each, in the order of texts, pictures and index.",
        port="groups",
        code="embeddings/how-many",
        retry=False,
    )


def _how_many(many: int) -> NodeError:
    return NodeError(
        f"A plot takes 3 to {MOST:,} points, and there are {many:,}.",
        fix="Wire more texts or pictures, or a smaller index.",
        port="texts",
        code="embeddings/how-many",
        retry=False,
    )
