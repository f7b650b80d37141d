"""Of the lecture's claims that of instruction tuning: tasks that were never seen get better by the
number of tasks, and of wordings of each, that were learned.

Wei et al. 2022 (FLAN), arXiv:2109.01652; Sanh et al. 2022 (T0), arXiv:2110.08207. The weights that
ship are tuned on instructions already, so the base is no beginner.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.claims_task import cases, said_by, wired

ROWS = 48
"""Rows of each training, whatever they are made of."""
SETTINGS = ((1, 1), (1, 4), (3, 1), (3, 4))
"""Tasks, and wordings of each."""

ANIMALS = ("dog", "horse", "goose", "ant", "whale", "cat", "trout", "bear"), (
    "spoon", "stone", "lamp", "cloud", "bridge", "coat", "letter", "bottle")  # fmt: skip
LARGE = ("12", "45", "300", "77", "18", "1000", "31", "64"), (
    "2", "7", "1", "9", "3", "5", "8", "4")  # fmt: skip
COLORS = ("red", "blue", "green", "yellow", "purple", "brown", "grey", "pink"), (
    "soft", "loud", "heavy", "quick", "sour", "old", "round", "sharp")  # fmt: skip

TASKS: Mapping[str, tuple[tuple[Sequence[str], Sequence[str]], tuple[str, ...]]] = {
    "animals": (ANIMALS, (
        "Is a {text} an animal? Answer yes or no.",
        "{text}: does it live and breathe? Say yes or no.",
        "Answer yes if a {text} can be hungry, else no.",
        "Tell me with yes or no whether a {text} is a living creature.",
    )),
    "numbers": (LARGE, (
        "Is {text} more than ten? Answer yes or no.",
        "{text}: does it have two digits or more? Say yes or no.",
        "Answer yes if {text} is larger than 10, else no.",
        "Tell me with yes or no whether ten is smaller than {text}.",
    )),
    "colors": (COLORS, (
        "Is {text} a color? Answer yes or no.",
        "{text}: can one see it in a rainbow or in paint? Say yes or no.",
        "Answer yes if {text} names a color, else no.",
        "Tell me with yes or no whether a wall can be painted {text}.",
    )),
}  # fmt: skip
"""What is learned: what is right for the first words and wrong for the others, in four wordings."""

UNSEEN = (
    "Is somebody pleased who says this? {text} Answer yes or no.",
    "{text} Is that good news? Say yes or no.",
    "Answer yes if this is praise, else no: {text}",
    "Tell me with yes or no whether this person is happy: {text}",
    "Would you thank somebody who tells you this? {text} yes or no?",
)
"""The task that is never learned: the moods of remarks, in five wordings of its own."""


def unseen(most: int = 24, settings: Sequence[tuple[int, int]] = SETTINGS) -> Iterator[str]:
    """Right answers of the unseen task by what was learned: the median, and each wording's."""
    from patchbay.nodes.testing import run_node
    from patchbay.nodes.training.datasets import InstructionData, kept
    from patchbay.nodes.training.supervised_node import TrainSupervised

    model, _, params = wired({})
    yield f"| learned | median of {len(UNSEEN)} wordings | each wording |"
    yield "|---|---|---|"
    yield _told("nothing more", model, most)
    for tasks, wordings in settings:
        data = kept(InstructionData, learned_rows(tasks, wordings), f"{tasks} tasks")
        trained = run_node(TrainSupervised, params["train"], {"model": model, "data": data})
        of = f"{tasks} {'task' if tasks == 1 else 'tasks'} in {wordings}"
        yield _told(f"{of} {'wording' if wordings == 1 else 'wordings'}", trained["model"], most)


def learned_rows(tasks: int, wordings: int) -> list[dict[str, Any]]:
    """The same number of rows, of so many tasks; each in a wording that is drawn."""
    from patchbay.nodes.io.records import Record
    from patchbay.nodes.training.reading import TaskWording, worded

    found: list[dict[str, Any]] = []
    each = ROWS // tasks
    for name, (words, asks) in list(TASKS.items())[:tasks]:
        right, wrong = words
        records: list[Record] = [
            {"text": text, "answer": answer}
            for pair in zip(right, wrong, strict=True)
            for text, answer in zip(pair, ("yes", "no"), strict=True)
        ]
        rows = [records[number % len(records)] for number in range(each)]
        used = [TaskWording(ask=ask) for ask in asks[:wordings]]
        found += worded(rows, used, "", every=False, seed=len(name))[0]
    return found


def _told(name: str, model: Any, most: int) -> str:
    # As many pleased ones as others, so that one answer to everything is right half the time.
    sides = [
        [one for one in cases() if one["expected"] == mood] for mood in ("positive", "negative")
    ]
    some = [one for pair in zip(*sides, strict=False) for one in pair][:most]
    right = ["yes" if one["expected"] == "positive" else "no" for one in some]
    shares = []
    for ask in UNSEEN:
        said = said_by(model, [ask.format(text=one["remark"]) for one in some])
        words = [text.strip(" .!,\n").casefold() for text in said]
        shares.append(sum(a == b for a, b in zip(words, right, strict=True)) / len(some))
    dots = ", ".join(f"{share:.2f}" for share in sorted(shares))
    return f"| {name} | {statistics.median(shares):.2f} | {dots} |"
