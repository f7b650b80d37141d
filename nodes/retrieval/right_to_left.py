"""Hebrew and Arabic as they are read: a page says where letters stand, not in which order. Pure.

What comes out is the order in which people type (Unicode's logical order): the inverse of what the
bidirectional algorithm (UAX 9) does for a line whose paragraph runs from right to left. Numbers and
Latin words inside keep their own order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

_LETTERS = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_RUNS = re.compile(r"[^\W\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+(?:[ .,:/+%&'’@-]*"
                   r"[^\W\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+)*%?")  # fmt: skip
"""Words and numbers that run from left to right, with what stands between two of them."""
_SHAPES = re.compile("[\ufb1d-\ufdff\ufe70-\ufefc]+")
_OPENING, _CLOSING = "([{<«", ")]}>»"
_MIRROR = str.maketrans(_OPENING + _CLOSING, _CLOSING + _OPENING)


class Letter(Protocol):
    """A letter with its place on the page."""

    x0: float
    y0: float
    y1: float

    def get_text(self) -> str:
        """What it is."""
        ...


L = TypeVar("L", bound=Letter)


def any_in(text: str) -> bool:
    """Whether a text holds letters that are read from right to left."""
    return _LETTERS.search(text) is not None


def mostly_in(text: str) -> bool:
    """Whether most letters of a text are read from right to left."""
    letters = sum(sign.isalpha() for sign in text)
    return 2 * len(_LETTERS.findall(text)) > letters > 0


def by_place(letters: Sequence[L]) -> list[L]:
    """Letters in which each stretch on one line is sorted from left to right.

    Some programs draw such a line from its right end, others from its left.
    """
    if not any(any_in(letter.get_text()) for letter in letters):
        return list(letters)
    lines: list[list[L]] = [[letters[0]]]
    for before, letter in pairwise(letters):
        beside = min(before.y1, letter.y1) - max(before.y0, letter.y0)
        if beside > 0.5 * (letter.y1 - letter.y0):
            lines[-1].append(letter)
        else:
            lines.append([letter])
    return [letter for line in lines for letter in _sorted(line)]


def _sorted(line: list[L]) -> list[L]:
    if not any(any_in(letter.get_text()) for letter in line):
        return line
    return sorted(line, key=lambda letter: letter.x0)


def as_read(line: str) -> str:
    """A line that stands as it looks, from left to right, in the order in which it is read."""
    if not any_in(line):
        return line
    turned = line[::-1]
    turned = _RUNS.sub(lambda run: run[0][::-1], turned)
    turned = _SHAPES.sub(lambda shapes: unicodedata.normalize("NFKC", shapes[0]), turned)
    brackets = [sign for sign in turned if sign in _OPENING + _CLOSING]
    if brackets and brackets[0] in _CLOSING:  # they were drawn as they look, which is mirrored
        turned = turned.translate(_MIRROR)
    return _with_marks_after(turned)


def _with_marks_after(text: str) -> str:
    """Vowel points stand after their letter; turned round they came before it."""
    made: list[str] = []
    waiting: list[str] = []
    for sign in text:
        if unicodedata.combining(sign):
            waiting.append(sign)
            continue
        made.append(sign)
        made += reversed(waiting)
        waiting.clear()
    return "".join([*made, *reversed(waiting)])
