"""Texts that say nearly the same: by their longest common sequence of words (ROUGE-L, Lin 2004)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORDS = re.compile(r"\w+")


class TwinFinder:
    """Knows texts, and tells whether another one is a twin of one of them.

    Args:
        share: from which ROUGE-L (F measure) on it is one; 1: only the very same words.
        known: texts to begin with.
    """

    def __init__(self, share: float, known: Iterable[str] = ()) -> None:
        self._share = share
        self._known = [words_of(text) for text in known]

    def add(self, text: str) -> None:
        """Know another text."""
        self._known.append(words_of(text))

    def is_twin(self, text: str) -> bool:
        """Whether one that is known says nearly the same."""
        words = words_of(text)
        return any(rouge_l(words, other) >= self._share for other in self._known)


def words_of(text: str) -> list[str]:
    """The words of a text, without their case and signs."""
    return _WORDS.findall(text.casefold())


def rouge_l(one: list[str], other: list[str]) -> float:
    """The F measure of the longest common subsequence of words; 0 where either has none."""
    if not one or not other:
        return 0.0
    before = [0] * (len(other) + 1)
    for word in one:
        now = [0]
        for at, match in enumerate(other):
            now.append(before[at] + 1 if word == match else max(before[at + 1], now[at]))
        before = now
    return 2 * before[-1] / (len(one) + len(other))
