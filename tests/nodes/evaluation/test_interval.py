"""Wilson's interval, against figures from the literature."""

from __future__ import annotations

import pytest

from patchbay.nodes.evaluation.interval import wilson


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals(hits: int, total: int, low: float, high: float) -> None:
    assert wilson(hits, total) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_it_narrows_with_more_cases_and_less_confidence() -> None:
    few, many = wilson(8, 10), wilson(80, 100)
    assert few[0] < many[0] < 0.8 < many[1] < few[1]
    assert wilson(80, 100, 0.8)[0] > many[0]
    assert wilson(10, 10)[1] == 1.0
