"""Intervals, differences, and how many cases would settle one."""

from __future__ import annotations

import random

import pytest

from patchbay.flows.experiments.statistics import cases_needed, difference_of, interval_of
from patchbay.nodes.evaluation.interval import wilson


@pytest.mark.parametrize(("hits", "total"), [(0, 5), (1, 1), (7, 10), (20, 20), (33, 100)])
def test_shares_have_wilsons_interval(hits: int, total: int) -> None:
    found = interval_of([1.0] * hits + [0.0] * (total - hits))
    assert (found.low, found.high) == pytest.approx(wilson(hits, total))
    assert found.mean == hits / total


def test_equal_scores_have_an_interval_that_is_a_number() -> None:
    found = interval_of([0.5] * 20)
    assert (found.low, found.mean, found.high) == (0.5, 0.5, 0.5)


def test_other_scores_are_drawn_anew_with_a_seed() -> None:
    draw = random.Random(0)
    scores = [draw.random() for _ in range(60)]
    found = interval_of(scores)
    assert found == interval_of(scores)
    assert 0.08 < found.high - found.low < 0.2
    assert found.low < found.mean < found.high


def test_three_cases_that_all_differ_settle_nothing() -> None:
    apart = difference_of([0, 0, 0], [1, 1, 1])
    assert (apart.better, apart.worse, apart.p) == (3, 0, 0.25)
    assert not apart.settled
    assert apart.needed == 6
    assert difference_of([0] * 6, [1] * 6).settled


def test_a_difference_is_paired() -> None:
    first = [1.0, 0.0] * 30
    other = list(first)
    for at in range(1, 20, 2):
        other[at] = 1.0
    apart = difference_of(first, other)
    assert (apart.better, apart.worse) == (10, 0)
    assert apart.settled
    assert apart.interval.mean == pytest.approx(1 / 6)
    assert difference_of(first, first).needed is None


def test_the_cases_that_are_needed_do_settle_it_four_times_of_five() -> None:
    """Draw from the same differences that often, and look."""
    apart = [1.0] * 6 + [-1.0] * 3 + [0.0] * 31
    needed = cases_needed(apart)
    assert needed is not None
    draw, found = random.Random(1), 0
    for _ in range(40):
        drawn = draw.choices(apart, k=needed)
        found += difference_of([0.0] * needed, drawn).settled
    assert 24 <= found <= 40
