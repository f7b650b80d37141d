"""Which examples to show: pure functions from examples to their indices, in the order shown."""

from __future__ import annotations

import random
from collections.abc import Sequence

Vector = Sequence[float]


def first(total: int, count: int) -> list[int]:
    """The first `count` of `total`."""
    return list(range(min(count, total)))


def at_random(total: int, count: int, seed: int) -> list[int]:
    """`count` of `total`, drawn without repetition; the same seed draws the same."""
    return random.Random(seed).sample(range(total), min(count, total))  # noqa: S311 - no secret


def balanced(labels: Sequence[str], count: int, seed: int) -> list[int]:
    """`count` indices in which every label comes as often as can be, in turns.

    A prompt in which one label prevails, or comes last, pulls the answer towards it (Zhao et al.
    2021, "Calibrate Before Use", arXiv:2102.09690).
    """
    shuffled = random.Random(seed)  # noqa: S311 - no secret
    piles: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        piles.setdefault(label, []).append(index)
    for pile in piles.values():
        shuffled.shuffle(pile)
    taken: list[int] = []
    while len(taken) < min(count, len(labels)):
        for pile in piles.values():
            if pile and len(taken) < count:
                taken.append(pile.pop())
    return taken


def similar(query: Vector, vectors: Sequence[Vector], count: int) -> list[int]:
    """The `count` nearest by cosine, the nearest last: what stands close to the case weighs most.

    Liu et al. 2021, "What Makes Good In-Context Examples for GPT-3?", arXiv:2101.06804.
    """
    scores = [cosine(query, vector) for vector in vectors]
    best = sorted(range(len(vectors)), key=lambda index: -scores[index])[:count]
    return best[::-1]


def diverse(query: Vector, vectors: Sequence[Vector], count: int, relevance: float) -> list[int]:
    """`count` by maximal marginal relevance: near the query, but not near each other.

    Each next one has the highest `relevance * nearness to the query - (1 - relevance) * nearness
    to those taken` (Carbonell and Goldstein 1998). The first taken comes last, as in `similar`.
    """
    nearness = [cosine(query, vector) for vector in vectors]
    left, taken = list(range(len(vectors))), list[int]()

    def worth(index: int) -> float:
        nearest = max((cosine(vectors[index], vectors[other]) for other in taken), default=0.0)
        return relevance * nearness[index] - (1 - relevance) * nearest

    while left and len(taken) < count:
        best = max(left, key=worth)
        taken.append(best)
        left.remove(best)
    return taken[::-1]


def cosine(a: Vector, b: Vector) -> float:
    """The cosine of the angle between two vectors; 0 where one has no length."""
    lengths = (sum(x * x for x in a) * sum(x * x for x in b)) ** 0.5
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0
