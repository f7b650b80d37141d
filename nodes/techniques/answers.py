"""The final answer in what a model wrote, and votes over several."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from patchbay.nodes.text.lines import lines_of

AnswerKind = Literal["text", "number", "choice"]
"""What an answer is: free text, a number, or one of a few words."""

_MARKER = re.compile(
    r"\b(?:final answer|answer)\b[^\S\n]*(?:\([^)\n]*\)[^\S\n]*)?(?:is\b|:|=)[^\S\n]*:?", re.I
)
_NUMBER = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_AROUND = " \t\r\n\"'“”‘’`*_()[]"


_TORN = re.compile(r"(?:-?\d[\d.,]*|\w+)\Z")
"""What stands at the very end of a text, and may be the beginning of something longer."""


def final_answer(
    text: str, kind: AnswerKind, choices: Sequence[str] = (), *, cut: bool = False
) -> str | None:
    """The answer that a text ends in, or None where it holds none of that kind.

    What stands after the last "the answer is" (or "answer:") counts; where nothing of the kind
    stands there, the last number or choice of the whole text, or for free text its last line.
    Numbers lose their thousands separators and needless zeros. Of a text that was `cut`, a number
    or a word at its very end does not count: it may have been the beginning of another.
    """
    if cut and kind != "text":
        text = _TORN.sub("", text)
    marked = _after_marker(text)
    if kind == "text":
        return _tidy(marked) or _tidy(_last_line(text)) or None
    find = _numbers if kind == "number" else _Choices(choices)
    if found := find(marked):
        return found[0]
    found = find(text)
    return found[-1] if found else None


def first_choice(text: str, choices: Sequence[str]) -> str | None:
    """The choice that a text names first, or None."""
    return next(iter(_Choices(choices)(text)), None)


def same(answer: str) -> str:
    """A form in which equal answers are equal: without case, outer quotes and end punctuation."""
    return " ".join(_tidy(unicodedata.normalize("NFC", answer)).casefold().split())


def _after_marker(text: str) -> str:
    markers = list(_MARKER.finditer(text))
    after = text[markers[-1].end() :].strip() if markers else ""
    return lines_of(after)[0] if after else ""


def _last_line(text: str) -> str:
    lines = [line for line in lines_of(text) if line.strip()]
    return lines[-1] if lines else ""


def _tidy(text: str) -> str:
    return text.strip(_AROUND).rstrip(".!?,;:").strip(_AROUND)


def _numbers(text: str) -> list[str]:
    return [plain_number(match.group()) for match in _NUMBER.finditer(text)]


def plain_number(number: str) -> str:
    """A number as it is compared: without thousands separators and needless zeros."""
    whole, _, fraction = number.replace(",", "").partition(".")
    fraction = fraction.rstrip("0")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    digits = digits.lstrip("0") or "0"
    return f"{sign}{digits}.{fraction}" if fraction else ("0" if digits == "0" else sign + digits)


class _Choices:
    """Finds whole words of a list; single letters only in their own case ("a" is a word, too)."""

    def __init__(self, choices: Sequence[str]) -> None:
        self._known = {choice.casefold(): choice for choice in choices}
        longest_first = sorted(choices, key=len, reverse=True)
        parts = [
            re.escape(choice) if len(choice) == 1 else f"(?i:{re.escape(choice)})"
            for choice in longest_first
        ]
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)") if parts else None

    def __call__(self, text: str) -> list[str]:
        if self._pattern is None:
            return []
        return [self._known[found.casefold()] for found in self._pattern.findall(text)]


@dataclass(frozen=True, slots=True)
class Vote:
    """What several answers agree on. `counts` is in order of votes, then of first appearance."""

    winner: str | None
    agreement: float
    """The winner's share of all answers, those without an answer included."""
    counts: tuple[tuple[str, int], ...]
    missing: int
    """How many gave no answer."""


def vote(answers: Sequence[str | None]) -> Vote:
    """The answer given most often; of equals the one given first."""
    spelled: dict[str, str] = {}
    for answer in answers:
        if answer is not None:
            spelled.setdefault(same(answer), answer)
    votes = Counter(same(answer) for answer in answers if answer is not None)
    counts = tuple((spelled[key], count) for key, count in votes.most_common())
    winner, most = counts[0] if counts else (None, 0)
    agreement = most / len(answers) if answers else 0.0
    return Vote(winner, agreement, counts, sum(answer is None for answer in answers))
