"""The grid: each variant with its score, interval, difference from the first, cost and speed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
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
from patchbay.nodes.values import canonical


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
    """Cases that were run and not scored: nobody has said what should come out, or a check that is
    a flow has not answered yet."""
    ran: int = 0
    """Cases that were run."""
    cost: dict[str, float] = field(default_factory=dict)
    """Mean of the runs, by currency."""
    memory: int = 0
    """Estimated bytes of the models."""


def grid_of(experiment: Experiment, checks: Sequence[OutputCheck] | None = None) -> list[Scored]:
    """All variants under all checks (those of the experiment unless given), in their order."""
    found: list[Scored] = []
    for check in experiment.checks if checks is None else checks:
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
        if (score := check.of(cell, case)) is not None:
            scores[case.number] = score
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
        len(cells),
        _money(whole),
        max((cell.memory for cell in whole), default=0),
    )


def _money(cells: Sequence[ExperimentCell]) -> dict[str, float]:
    """The mean of what runs cost, by currency; empty where nobody knows."""
    known = [cell.cost for cell in cells if cell.cost]
    names = sorted({name for cost in known for name in cost})
    return {name: fmean(cost.get(name, 0.0) for cost in known) for name in names}


def best_of(grid: Sequence[Scored]) -> Scored | None:
    """The highest score under the first check; the earlier of equal ones."""
    known = [one for one in grid if one.check == grid[0].check and one.interval is not None]
    return max(known, key=lambda one: one.interval.mean if one.interval else 0.0, default=None)


def sentences(grid: Sequence[Scored]) -> list[str]:
    """What the grid can tell, and what it cannot."""
    said = []
    for one in grid:
        if one.interval is None:
            said.append(
                f"{one.variant.name} ({one.check}): no case can be scored: there is no expected "
                "answer, or the check gave none."
            )
        elif one.unknown:
            said.append(
                f"{one.variant.name} ({one.check}): {one.unknown} of "
                f"{one.unknown + len(one.scores)} cases cannot be scored."
            )
        if (apart := one.difference) is None:
            continue
        head = f"{one.variant.name} ({one.check}): "
        if apart.settled:
            word = "better" if apart.interval.mean > 0 else "worse"
            said.append(f"{head}{word} than the first by {abs(apart.interval.mean):.3f}.")
        elif apart.better or apart.worse:
            more = f"; about {apart.needed:,} cases would settle it" if apart.needed else ""
            said.append(f"{head}within noise of the first{more}.")
        else:
            said.append(f"{head}no case differs from the first.")
    best = best_of(grid) if grid else None
    if best is not None and len(grid) > 1 and best.interval is not None:
        said.append(f"Best: {best.variant.name} with {best.interval.mean:.3f} ({best.check}).")
    return said


def all_said(experiment: Experiment, grid: Sequence[Scored]) -> list[str]:
    """What the grid can tell, why runs have failed, and what of the cases was left out."""
    return [*sentences(grid), *_failures(experiment), *experiment.notes]


REASONS = 3
"""Reasons of failed runs that are told."""


def _failures(experiment: Experiment) -> list[str]:
    places = (
        (v.key, experiment.case_key(c)) for v in experiment.variants for c in experiment.cases
    )
    cells = (experiment.cells.get(place) for place in dict.fromkeys(places))
    why = Counter(cell.error for cell in cells if cell is not None and cell.error)
    if not why:
        return []
    count = sum(why.values())
    told = [
        error.rstrip(".") + (f" ({often:,} times)" if 1 < often < count else "")
        for error, often in why.most_common(REASONS)
    ]
    more = "; and others" if len(why) > REASONS else ""
    head = "1 run has" if count == 1 else f"{count:,} runs have"
    return [f"{head} failed: {'; '.join(told)}{more}."]


def as_summary(experiment: Experiment, grid: Sequence[Scored]) -> dict[str, Any]:
    """The grid without the scores of its cases: what is shown when an experiment is opened."""
    return {
        "format": 1,
        "cases": len(experiment.cases),
        "variants": [
            {"name": v.name, "key": v.key, "changes": v.changes} for v in experiment.variants
        ],
        "checks": [check.name for check in experiment.checks],
        "output": experiment.output,
        "refused": experiment.refused,
        "said": all_said(experiment, grid),
        "rows": [
            {
                "variant": one.variant.name,
                "key": one.variant.key,
                "check": one.check,
                "interval": None if one.interval is None else asdict(one.interval),
                "difference": None
                if one.difference is None
                else {**asdict(one.difference), "settled": one.difference.settled},
                "ran": one.ran,
                "scored": len(one.scores),
                "failed": one.failed,
                "seconds": one.seconds,
                "tokens": one.tokens,
                "cost": one.cost,
                "memory": one.memory,
            }
            for one in grid
        ],
    }


def as_result(grid: Sequence[Scored], cases: Sequence[FlowCase]) -> dict[str, Any]:
    """The grid as plain data, to be kept and compared with."""
    keys = _keys(cases)
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
                "cost": one.cost,
                "memory": one.memory,
            }
            for one in grid
        ],
    }


def is_result(held: object) -> bool:
    """Whether it is what `as_result` gives."""
    if not isinstance(held, dict) or not isinstance(variants := held.get("variants"), list):
        return False
    needed = {"name", "check", "scores"}
    return all(isinstance(one, dict) and needed <= one.keys() for one in variants)


def in_common(grid: Sequence[Scored], cases: Sequence[FlowCase], last: dict[str, Any]) -> int:
    """Of how many variants and checks an earlier result has cases that are here too."""
    return sum(1 for _ in _both(grid, cases, last))


def _both(
    grid: Sequence[Scored], cases: Sequence[FlowCase], last: dict[str, Any]
) -> Iterator[tuple[Scored, list[float], list[float]]]:
    """Each variant by each check, with the scores of then and of now on the cases of both."""
    keys = _keys(cases)
    before = {
        (_values(one.get("changes"), one["name"]), one["check"]): one["scores"]
        for one in last.get("variants", ())
    }
    for one in grid:
        place = _values(one.variant.changes, one.variant.name), one.check
        known = before.get(place, {})
        if both := [number for number in one.scores if keys[number] in known]:
            yield one, [float(known[keys[n]]) for n in both], [one.scores[n] for n in both]


def _keys(cases: Sequence[FlowCase]) -> dict[int, str]:
    """What cases are known by in a result: what they ask; the second that asks the same is another,
    since something else may be right."""
    seen: Counter[str] = Counter()
    found = {}
    for case in cases:
        seen[case.key] += 1
        found[case.number] = case.key if seen[case.key] == 1 else f"{case.key}:{seen[case.key]}"
    return found


def _values(changes: object, name: str) -> str:
    """What tells variants apart over time: the values that they set, whatever they are called."""
    return canonical(changes) if isinstance(changes, Mapping) else name


def worse_than(
    grid: Sequence[Scored], cases: Sequence[FlowCase], last: dict[str, Any]
) -> list[str]:
    """Variants that are worse than in an earlier result, beyond noise, on the cases of both."""
    found = []
    for one, then, now in _both(grid, cases, last):
        apart = difference_of(then, now)
        if apart.settled and apart.interval.high < 0:
            found.append(
                f"{one.variant.name} ({one.check}): {apart.interval.mean:+.3f} on {len(now)} "
                f"cases, {apart.worse} worse and {apart.better} better"
            )
    return found
