"""Orders of hits: fused from several lists, and made diverse. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Hit = tuple[int, float]
"""A chunk by number, and how well it matched."""

RRF_CONSTANT = 60
"""How much a first place counts over the next ones; the value of the paper."""


def fuse(rankings: Sequence[Sequence[Hit]], constant: int = RRF_CONSTANT) -> list[Hit]:
    """Reciprocal rank fusion (Cormack, Clarke & Büttcher 2009): one order out of several.

    Each list gives a chunk 1 / (constant + its place, from 1); these are added up. Scores of
    different kinds need not be comparable.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for place, (number, _) in enumerate(ranking, start=1):
            scores[number] = scores.get(number, 0.0) + 1.0 / (constant + place)
    return sorted(scores.items(), key=lambda hit: (-hit[1], hit[0]))


def diverse(
    hits: Sequence[Hit], vectors: NDArray[np.float32], most: int, relevance: float
) -> list[Hit]:
    """Maximal marginal relevance (Carbonell & Goldstein 1998): good hits that differ.

    Takes one hit after the other, each time the one with the highest
    `relevance` · score - (1 - `relevance`) · (cosine to the nearest hit already taken).

    Args:
        hits: chunks with their cosine to the query.
        vectors: their vectors, of length one, in the same order.
        most: how many to take.
        relevance: 1 for the plain order, 0 for nothing but difference.
    """
    import numpy as np

    scores = np.array([score for _, score in hits])
    nearest = np.zeros(len(hits))
    left = list(range(len(hits)))
    taken: list[int] = []
    while left and len(taken) < most:
        worth = relevance * scores[left] - (1 - relevance) * nearest[left]
        best = left.pop(int(np.argmax(worth)))
        likeness = vectors @ vectors[best]
        nearest = np.maximum(nearest, likeness) if taken else likeness
        taken.append(best)
    return [hits[i] for i in taken]
