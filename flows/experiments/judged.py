"""Preferences by a judge model: what the checks of an experiment that are judges have said.

Zheng et al. 2023, "Judging LLM-as-a-Judge", arXiv:2306.05685; Bai et al. 2022, "Constitutional AI",
arXiv:2212.08073, on preferences that a model gives in place of people. A judge that compares two
answers is asked in both orders and counts where these agree; of one that grades answers, of two
answers to one prompt the one with the higher grade is preferred.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from patchbay.flows.experiments.cases import FlowCase
from patchbay.flows.experiments.checking import OutputCheck
from patchbay.flows.experiments.judging import FlowCheck, bound, read_any_check
from patchbay.flows.experiments.keeping import ExperimentCell, KeptCase, KeptCells
from patchbay.flows.experiments.plan import ExperimentPlan
from patchbay.flows.experiments.ratings import judged_rows
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.values import as_text

JUDGING = ("judge", "versus", "flow")
"""Checks that prefer; `similarity` measures how near an answer is to the right one."""
_PAGE = 500


def judges_of(plan: ExperimentPlan, variants: Sequence[str]) -> list[FlowCheck]:
    """The checks of an experiment that are judges.

    Args:
        plan: of the experiment.
        variants: their keys, the first one first.

    Raises:
        FlowError: a check cannot be read.
    """
    folder = Path(plan.flow).parent
    named = [text for text in plan.checks if text.partition(":")[0] in JUDGING]
    return judges_among([read_any_check(text, folder) for text in named], variants)


def judges_among(checks: Sequence[OutputCheck], variants: Sequence[str]) -> list[FlowCheck]:
    """The judges among checks that are read already."""
    made = [bound(check, variants[0]) for check in checks]
    return [
        check
        for check in made
        if isinstance(check, FlowCheck) and check.name.partition(":")[0] in JUDGING
    ]


def judged_preferences(
    kept: KeptCells, variants: Sequence[str], judges: Sequence[FlowCheck]
) -> list[dict[str, Any]]:
    """Records of prompt, chosen and rejected, for *Preference data*.

    What is said as often the other way round gives none: judges disagree, or one with itself.

    Args:
        kept: the experiment.
        variants: their keys, the first one first.
        judges: whose preferences they are.
    """
    votes: Counter[tuple[str, str, str]] = Counter()
    for case in _cases(kept, variants):
        for judge in judges:
            said = judged_rows(list(_compared(case, judge)))
            votes.update((one["prompt"], one["chosen"], one["rejected"]) for one in said)
    return [
        {"prompt": prompt, "chosen": one, "rejected": other}
        for (prompt, one, other), count in votes.items()
        if count > votes[prompt, other, one]
    ]


def no_judge() -> FlowError:
    """Preferences are asked of an experiment that has no judge."""
    message = "The experiment has no judge among its checks, so nobody says what is preferred."
    fix = "Add --check versus:RUBRIC or --check judge:RUBRIC, or a flow of your own that judges."
    return FlowError([Problem("experiment/no-judge", message, fix)])


def _cases(kept: KeptCells, variants: Sequence[str]) -> Iterator[KeptCase]:
    first = 1
    while page := kept.page(variants, first, _PAGE):
        yield from page
        first = page[-1].number + 1


def _compared(case: KeptCase, judge: FlowCheck) -> Iterator[dict[str, Any]]:
    """Every two answers of a case, with 1 where the other is better, 0 where the first is."""
    asked = FlowCase(case.number, case.inputs, case.expected)
    prompt = "\n".join(as_text(value) for value in case.inputs.values())
    place = judge.place(asked)
    known = [cell for cell in case.cells if cell is not None and not cell.error]
    for first, other in combinations(known, 2):
        one, two = as_text(first.output), as_text(other.output)
        score = _score(first, other, judge, place)
        if score is not None and one != two and one.strip() and two.strip():
            yield {"prompt": prompt, "first": one, "other": two, "score": score}


def _score(
    first: ExperimentCell, other: ExperimentCell, judge: FlowCheck, place: str
) -> float | None:
    mine, theirs = first.judged.get(place), other.judged.get(place)
    if judge.pair:  # each variant is compared with the first one alone
        return theirs.score if theirs is not None and first.variant == judge.against else None
    if mine is None or theirs is None or mine.score == theirs.score:
        return None
    return float(theirs.score > mine.score)
