"""What is to be looked at as vectors: texts and pictures with short labels, and their vectors."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from patchbay.nodes.contract import Context, JsonValue, NodeError
from patchbay.nodes.embedded import checked
from patchbay.nodes.figures import Picture
from patchbay.nodes.models.asking import one_line
from patchbay.nodes.values import Document, EmbeddingsSpec, Message, as_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from patchbay.nodes.retrieval.vectors import Vector

LABEL = 40
"""Letters of a text that stand at an axis."""


def texts_in(value: Any, port: str) -> list[str]:
    """The texts in what is wired in: the lines of a text, or the items of a list.

    Raises:
        NodeError: it is neither, or an item is no text.
    """
    if isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()]
    if isinstance(value, list):
        texts = [as_text(v) for v in value if isinstance(v, (str, int, float, Document, Message))]
        if len(texts) == len(value):
            return [text for text in texts if text.strip()]
    raise NodeError(
        f'"{port}" takes a list of texts, documents, or a text with one on each line.',
        fix="Wire such a list.",
        port=port,
        code="embeddings/not-texts",
        retry=False,
    )


def labels_of(texts: Sequence[str], pictures: Sequence[Picture] = ()) -> list[str]:
    """A short label for each thing; equal ones are told apart by a number."""
    shown = [one_line(text, LABEL) for text in texts]
    shown += [
        one_line(picture.alt, LABEL) or f"picture {number}"
        for number, picture in enumerate(pictures, 1)
    ]
    seen: dict[str, int] = {}
    labels = []
    for label in shown:
        seen[label] = seen.get(label, 0) + 1
        labels.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return labels


async def vectors_of(
    spec: EmbeddingsSpec, texts: Sequence[str], pictures: Sequence[Picture], ctx: Context
) -> NDArray[np.float64]:
    """A row of length one for each text, then for each picture.

    Raises:
        NodeError: the model sees no pictures, or gives no vectors.
    """
    import numpy as np

    rows: list[Vector] = []
    async with ctx.use(spec) as model:
        if pictures and not hasattr(model, "embed_pictures"):
            raise NodeError(
                f"A {spec.type_id()} model reads texts and sees no pictures.",
                fix="Wire CLIP embeddings.",
                port="embeddings",
                code="embeddings/no-pictures",
                retry=False,
            )
        if texts:
            from patchbay.nodes.retrieval.build import embed_counted

            each = list(dict.fromkeys(texts))
            found, cut = await ctx.blocking(embed_counted, model, each)
            rows += [found[text] for text in texts]
            if cut:
                await ctx.warn(
                    f"{cut} of {len(each)} texts are longer than the {model.max_tokens} tokens "
                    "that the model reads; the rest of them does not count."
                )
        if pictures:
            files = [base64.b64decode(picture.data) for picture in pictures]
            seen = await ctx.blocking(model.embed_pictures, files)
            rows += list(checked(seen, len(files)).astype("float32"))
    return unit(np.stack(rows))


def unit(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows scaled to length one, finely enough that each is 1 like itself."""
    import numpy as np

    fine = rows.astype(np.float64)
    lengths = np.linalg.norm(fine, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = fine / np.maximum(lengths, 1e-9)
    return scaled


def number(value: Any) -> JsonValue:
    """A number as a table holds it: six digits behind the point, and never minus nothing."""
    return round(float(value), 6) + 0.0
