"""What people think of the answers of an experiment: pairs, rankings and single answers on a scale.

Kept beside the experiment, one a line. They become records for *Preference data*.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

from patchbay.flows.experiments.agreement import Said, cohen, fleiss, krippendorff
from patchbay.flows.experiments.keeping import KeptCells, unwritable
from patchbay.nodes.json_lines import add_json_line, json_lines

RatingForm = Literal["pair", "ranking", "scale"]
SCALE = (1, 2, 3, 4, 5)
"""A Likert scale: from bad to good."""
_FILE = "ratings.jsonl"


@dataclass(frozen=True, slots=True)
class Rating:
    """What one person said of the answers to one prompt.

    `answers` are those that were shown, in one order for everybody, whatever side they were shown
    on. `said` are their places, the best first; none for a pair that is a tie; the number on a
    scale.
    """

    form: RatingForm
    prompt: str
    answers: tuple[str, ...]
    said: tuple[int, ...]
    rater: str
    at: float = 0.0

    @property
    def item(self) -> tuple[str, str, tuple[str, ...]]:
        """What was rated, whoever did."""
        return self.form, self.prompt, self.answers

    @property
    def word(self) -> Hashable:
        """What was said, to be compared with what others said."""
        if self.form == "scale":
            return self.said[0]
        if self.form == "pair":
            return self.said[0] if self.said else "tie"
        return self.said


class Ratings:
    """The ratings of an experiment.

    Args:
        kept: the experiment.
    """

    def __init__(self, kept: KeptCells) -> None:
        self._path = kept.folder / _FILE

    def add(self, rating: Rating) -> None:
        """Keep a rating. The last one of a person for an item counts.

        Raises:
            FlowError: the disk refuses.
        """
        try:
            add_json_line(self._path, {**asdict(rating), "at": rating.at or time.time()})
        except OSError as error:
            raise unwritable(self._path.parent, error) from error

    def all(self) -> list[Rating]:
        """Those that count, in the order of their items. What a kill has cut off is left out."""
        found: dict[tuple[Any, str], Rating] = {}
        for held in json_lines(self._path):
            try:
                rating = Rating(**{**held, "answers": tuple(held["answers"]),
                                   "said": tuple(held["said"])})  # fmt: skip
            except (TypeError, KeyError):
                continue
            found[rating.item, rating.rater] = rating
        return list(found.values())


def agreement_of(ratings: Sequence[Rating], form: RatingForm) -> dict[str, Any]:
    """How far the raters of a form agree: `raters`, `items` (with two raters or more), `alpha`,
    `fleiss`, and `cohen` where there are two."""
    items: dict[Any, dict[str, Hashable]] = defaultdict(dict)
    for rating in ratings:
        if rating.form == form:
            for place, word in _words(rating):
                items[rating.item, place][rating.rater] = word
    said: list[Said] = list(items.values())
    names = sorted({name for one in said for name in one})
    shared = [one for one in said if len(one) > 1]
    level: Literal["ordinal", "nominal"] = "ordinal" if form == "scale" else "nominal"
    return {
        "raters": names,
        "items": len(shared),
        "alpha": krippendorff(said, level),
        "fleiss": fleiss(shared),
        "cohen": cohen(said, *names) if len(names) == 2 else None,
    }


def _words(rating: Rating) -> list[tuple[Any, Hashable]]:
    """What is compared: of a ranking every two answers, which of them stands before the other."""
    if rating.form != "ranking":
        return [(None, rating.word)]
    place = {answer: rank for rank, answer in enumerate(rating.said)}
    return [((a, b), place[a] < place[b]) for a, b in combinations(sorted(place), 2)]


def preference_rows(ratings: Sequence[Rating]) -> list[dict[str, Any]]:
    """Records of prompt, chosen and rejected: what most raters preferred; a draw gives none."""
    votes: Counter[tuple[str, str, str]] = Counter()
    for rating in ratings:
        if rating.form == "scale":
            continue
        ranked = list(rating.said)
        if rating.form == "pair" and ranked:
            ranked = [ranked[0], 1 - ranked[0]]
        for better, worse in combinations(ranked, 2):
            one, other = rating.answers[better], rating.answers[worse]
            if one != other:
                votes[rating.prompt, one, other] += 1
    return [
        {"prompt": prompt, "chosen": one, "rejected": other}
        for (prompt, one, other), count in votes.items()
        if count > votes[prompt, other, one]
    ]


def scale_rows(ratings: Sequence[Rating]) -> list[dict[str, Any]]:
    """Records of prompt, answer and rating, for the form *ratings* of *Preference data*."""
    return [
        {"prompt": one.prompt, "answer": one.answers[0], "rating": one.said[0], "rater": one.rater}
        for one in ratings
        if one.form == "scale"
    ]


def judged_rows(
    cases: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Records from what a judge said of two answers: `prompt`, `first`, `other`, `score` (1 where
    the other is better, 0 where the first is)."""
    found = []
    for case in cases:
        first, other = case["first"], case["other"]
        if case["score"] == 1:
            found.append({"prompt": case["prompt"], "chosen": other, "rejected": first})
        elif case["score"] == 0:
            found.append({"prompt": case["prompt"], "chosen": first, "rejected": other})
    return found
