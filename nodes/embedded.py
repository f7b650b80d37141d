"""The vectors of an embeddings model, looked at before anybody counts with them.

A vector with NaN in it is like nothing, itself included, so that comparisons with it are false and
orders by it are any order: what a search finds then looks like an answer and is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from patchbay.nodes.errors import NodeError

if TYPE_CHECKING:
    import numpy as np
    from langchain_core.embeddings import Embeddings
    from numpy.typing import NDArray

CODE = "retrieval/bad-vectors"


def embedded(model: Embeddings, texts: Sequence[str], dimensions: int = 0) -> NDArray[np.float64]:
    """A row for each text. Blocks.

    Args:
        model: the model.
        texts: what is embedded.
        dimensions: how long each row is; 0 where that is not known.

    Raises:
        NodeError: what comes back are no vectors, or not as many or as long as they should be.
    """
    return checked(model.embed_documents(list(texts)), len(texts), dimensions)


def embedded_query(model: Embeddings, text: str, dimensions: int = 0) -> NDArray[np.float64]:
    """The row of a question. Blocks.

    Raises:
        NodeError: what comes back is no vector, or not as long as it should be.
    """
    row: NDArray[np.float64] = checked([model.embed_query(text)], 1, dimensions)[0]
    return row


def checked(rows: Any, count: int, dimensions: int = 0) -> NDArray[np.float64]:
    """What a model gave for `count` things, as an array.

    Raises:
        NodeError: these are no vectors.
    """
    import numpy as np

    try:
        found = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        found = np.zeros(0, dtype=np.float64)
    if not count and not found.size:
        return np.zeros((0, dimensions), dtype=np.float64)
    shaped = found.ndim == 2 and len(found) == count and found.shape[1] > 0
    if not shaped or dimensions not in (0, found.shape[1]):
        raise _bad(f"The embeddings model did not give a vector for each of {count} texts.")
    if not np.isfinite(found).all():
        raise _bad("The embeddings model gave a vector with a number in it that is none (NaN).")
    return found


def _bad(message: str) -> NodeError:
    return NodeError(
        message,
        fix="Check that the model is one for embeddings.",
        port="embeddings",
        code=CODE,
        retry=False,
    )
