"""Which examples are chosen, by pure functions."""

from __future__ import annotations

import pytest

from patchbay.nodes.prompts.selection import at_random, balanced, cosine, diverse, first, similar

EAST, NORTH, NEARLY_EAST = (1.0, 0.0), (0.0, 1.0), (0.9, 0.1)
VECTORS = (EAST, NEARLY_EAST, NORTH)


def test_the_first() -> None:
    assert first(3, 2) == [0, 1]
    assert first(1, 2) == [0]


def test_random_repeats_with_its_seed() -> None:
    drawn = at_random(50, 5, seed=3)
    assert drawn == at_random(50, 5, seed=3) != at_random(50, 5, seed=4)
    assert len(set(drawn)) == 5
    assert sorted(at_random(3, 9, seed=0)) == [0, 1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_balance_takes_every_label_equally_often(seed: int) -> None:
    labels = ["a"] * 8 + ["b"] * 2 + ["c"]
    chosen = [labels[index] for index in balanced(labels, 5, seed)]
    assert chosen == ["a", "b", "c", "a", "b"]
    assert sorted(balanced(labels, 99, seed)) == list(range(11))


def test_the_most_similar_stands_last() -> None:
    assert similar(EAST, VECTORS, 2) == [1, 0]


def test_mmr_prefers_what_says_something_else() -> None:
    query = (0.9, 0.5)
    assert similar(query, VECTORS, 2) == [0, 1]
    assert diverse(query, VECTORS, 2, relevance=0.5) == [2, 1]
    assert diverse(query, VECTORS, 2, relevance=1.0) == [0, 1]


def test_a_vector_of_no_length_is_near_nothing() -> None:
    assert cosine((0.0, 0.0), EAST) == 0
