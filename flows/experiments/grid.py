"""The grid: each variant with its score, interval, difference from the first, cost and speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from patchbay.flows.experiments.cases import FlowCase
from patchbay.flows.experiments.checking import OutputCheck
from patchbay.flows.experiments.keeping import ExperimentCell
from patchbay.flows.experiments.running import Experiment
from patchbay.flows.experiments.statistics import (
    Difference,
    Interval,
    difference_of,
    interval_of,
)
from patchbay.flows.experiments.variants import Variant


@dataclass(frozen=True, slots=True)
class Scored:
    """A variant under one check. `scores` are by the number of the case."""

    variant: Variant
    check: str
    scores: dict[int, float]
    interval: Interval | None
    difference: Difference | None
    """From the first variant; None for the first itself, and where no case has both."""
    seconds: float
    """Median of the runs."""
    tokens: float
    """Mean of the runs."""
    failed: int
    """Runs that ended in an error; they count as wrong."""
    unknown: int = 0
    """Cases that were run and not scored: nobody has said what should come out."""


def grid_of(experiment: Experiment, checks: Sequence[OutputCheck]) -> list[Scored]:
    """All variants under all checks, in their order."""
    found: list[Scored] = []
    for check in checks:
        first: dict[int, float] | None = None
        for variant in experiment.variants:
            made = _scored(experiment, variant, check, first)
            first = made.scores if first is None else first
            found.append(made)
    return found


def _scored(
    experiment: Experiment, variant: Variant, check: OutputCheck, first: dict[int, float] | None
) -> Scored:
    scores: dict[int, float] = {}
    cells: list[ExperimentCell] = []
    for case in experiment.cases:
        cell = experiment.cell(variant, case)
        if cell is None:
            continue
        cells.append(cell)
        if case.expected is not None or not check.needs_expected:
            scores[case.number] = _score(cell, case, check)
    whole = [cell for cell in cells if not cell.error]
    both = sorted(scores.keys() & (first or {}).keys())
    difference = None
    if first is not None and both:
        difference = difference_of([first[n] for n in both], [scores[n] for n in both])
    return Scored(
        variant,
        check.name,
        scores,
        interval_of(list(scores.values())) if scores else None,
        difference,
        median(cell.seconds for cell in whole) if whole else 0.0,
        fmean(cell.tokens for cell in whole) if whole else 0.0,
        len(cells) - len(whole),
        len(cells) - len(scores),
    )


def _score(cell: ExperimentCell, case: FlowCase, check: OutputCheck) -> float:
    return 0.0 if cell.error else check.score(cell.output, case.expected)


def best_of(grid: Sequence[Scored]) -> Scored | None:
    """The highest score under the first check; the earlier of equal ones."""
    known = [one for one in grid if one.check == grid[0].check and one.interval is not None]
    return max(known, key=lambda one: one.interval.mean if one.interval else 0.0, default=None)


def as_result(grid: Sequence[Scored], cases: Sequence[FlowCase]) -> dict[str, Any]:
    """The grid as plain data, to be kept and compared with."""
    keys = {case.number: case.key for case in cases}
    return {
        "format": 1,
        "cases": len(cases),
        "variants": [
            {
                "name": one.variant.name,
                "changes": one.variant.changes,
                "check": one.check,
                "scores": {keys[number]: score for number, score in one.scores.items()},
                "interval": None if one.interval is None else asdict(one.interval),
                "seconds": one.seconds,
                "tokens": one.tokens,
                "failed": one.failed,
            }
            for one in grid
        ],
    }


def worse_than(
    grid: Sequence[Scored], cases: Sequence[FlowCase], last: dict[str, Any]
) -> list[str]:
    """Variants that are worse than in an earlier result, beyond noise, on the cases of both."""
    keys = {case.number: case.key for case in cases}
    before = {(one["name"], one["check"]): one["scores"] for one in last.get("variants", ())}
    found = []
    for one in grid:
        known = before.get((one.variant.name, one.check), {})
        both = [number for number in one.scores if keys[number] in known]
        if not both:
            continue
        apart = difference_of(
            [float(known[keys[number]]) for number in both], [one.scores[n] for n in both]
        )
        if apart.settled and apart.interval.high < 0:
            found.append(
                f"{one.variant.name} ({one.check}): {apart.interval.mean:+.3f} on {len(both)} "
                f"cases, {apart.worse} worse and {apart.better} better"
            )
    return found
