"""Intervals and differences, by SciPy; and how many cases would settle a difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist, fmean, variance
from typing import Any

from patchbay.flows.problems import FlowError, Problem

CONFIDENCE = 0.95
POWER = 0.8
"""How often a difference that is there is to be found."""
FEWEST = 6
"""Cases that must differ all the same way before the sign test is sure."""
DRAWS = 4000
SEED = 0


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and where the true one may lie."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A variant less the first one, over the cases that both have."""

    interval: Interval
    cases: int
    better: int
    worse: int
    p: float
    """Of the exact sign test over the cases that differ (McNemar's, where scores are 0 or 1)."""
    needed: int | None = None
    """Cases that would settle it; None where it is settled, or nothing differs."""

    @property
    def settled(self) -> bool:
        """Whether it is more than noise: the interval leaves zero out, and the test agrees.

        The interval alone would be sure of three cases that all differ the same way.
        """
        return self.p < 1 - CONFIDENCE and (self.interval.low > 0 or self.interval.high < 0)


def interval_of(scores: Sequence[float]) -> Interval:
    """The mean of scores: Wilson's interval where all are 0 or 1, else a percentile bootstrap.

    Wilson 1927. The accelerated bootstrap (BCa) is not taken: of equal scores it makes NaN.

    Raises:
        FlowError: SciPy is not installed.
    """
    mean = fmean(scores)
    if all(score in (0, 1) for score in scores):
        stats = _stats()
        found = stats.binomtest(round(sum(scores)), len(scores)).proportion_ci(
            CONFIDENCE, method="wilson"
        )
        return Interval(mean, float(found.low), float(found.high))
    return _bootstrapped(scores)


def difference_of(first: Sequence[float], other: Sequence[float]) -> Difference:
    """The paired difference of scores of the same cases.

    Args:
        first: of the variant that is compared with.
        other: of the other, in the same order; at least one.
    """
    apart = [b - a for a, b in zip(first, other, strict=True)]
    found = _bootstrapped(apart)
    better, worse = sum(d > 0 for d in apart), sum(d < 0 for d in apart)
    apart_at_all = better + worse
    p = float(_stats().binomtest(better, apart_at_all).pvalue) if apart_at_all else 1.0
    known = Difference(found, len(apart), better, worse, p)
    if known.settled or not apart_at_all or found.mean == 0:
        return known
    return replace(known, needed=cases_needed(apart))


def cases_needed(apart: Sequence[float]) -> int | None:
    """How many cases would show a difference of this size, four times out of five.

    The usual n = (z₁ + z₂)² σ² / δ² for paired values.
    """
    mean = fmean(apart)
    if len(apart) < 2 or mean == 0:
        return None
    normal = NormalDist()
    reach = normal.inv_cdf(0.5 + CONFIDENCE / 2) + normal.inv_cdf(POWER)
    wanted = math.ceil(reach**2 * variance(apart) / mean**2)
    return max(len(apart) + 1, wanted, FEWEST)


def _bootstrapped(values: Sequence[float]) -> Interval:
    mean = fmean(values)
    if len(values) < 2 or min(values) == max(values):
        return Interval(mean, mean, mean)
    import numpy as np

    found = _stats().bootstrap(
        (np.asarray(values, dtype=float),), np.mean, n_resamples=DRAWS,
        confidence_level=CONFIDENCE, method="percentile", rng=np.random.default_rng(SEED),
    ).confidence_interval  # fmt: skip
    return Interval(mean, float(found.low), float(found.high))


def _stats() -> Any:
    try:
        from scipy import stats
    except ImportError:
        fix = "pip install 'patchbay-studio[experiments]'"
        problem = Problem("experiment/scipy", "Intervals need SciPy, which is not installed.", fix)
        raise FlowError([problem]) from None
    return stats
