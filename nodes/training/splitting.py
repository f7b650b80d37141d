"""Rows to train on and rows to measure with: what belongs together stays on one side."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterable, Sequence

from patchbay.nodes.training.datasets import DataRow


def split(
    rows: Sequence[DataRow], marks: Sequence[Iterable[Hashable]], share: float, seed: int
) -> tuple[list[DataRow], list[DataRow]]:
    """Rows to train on and rows to measure with, in their order; at least some to train on.

    Rows that have a mark in common, directly or by way of others, are on the same side: else what
    is measured with was trained on in other words.

    Args:
        rows: all.
        marks: of each row, what it came from: its record, its prompt.
        share: of the groups of rows held out, from 0 to 0.9.
        seed: which.
    """
    groups = _groups(marks)
    count = min(round(len(groups) * share), len(groups) - 1)
    drawn = random.Random(seed).sample(range(len(groups)), count)  # noqa: S311 - no secret
    held = {at for number in drawn for at in groups[number]}
    train = [row for at, row in enumerate(rows) if at not in held]
    return train, [row for at, row in enumerate(rows) if at in held]


def _groups(marks: Sequence[Iterable[Hashable]]) -> list[list[int]]:
    """The numbers of rows that belong together, in the order of their first ones."""
    first: dict[Hashable, int] = {}
    above = list(range(len(marks)))

    def top(at: int) -> int:
        while above[at] != at:
            above[at] = above[above[at]]
            at = above[at]
        return at

    for at, own in enumerate(marks):
        for mark in own:
            one, other = top(first.setdefault(mark, at)), top(at)
            above[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for at in range(len(marks)):
        groups.setdefault(top(at), []).append(at)
    return list(groups.values())


def nothing_held(rows: int, held: int, share: float) -> str:
    """A sentence where something was to be held out and all rows belong together; else ""."""
    if held or not share or rows < 2 or round(rows * share) < 1:
        return ""
    return (
        "Nothing is held out: too few prompts are different, and those of one prompt are never "
        "on both sides; give more prompts."
    )
