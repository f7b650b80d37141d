"""A number that somebody wrote as text.

Python's `float` and `int` take more than people, JSON or tables mean by a number: `1_000`, digits
of any script, `nan`, `infinity`. What a caller, a model or a table wrote is read here instead.
"""

from __future__ import annotations

import math
import re

_WRITTEN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
"""As in JSON (RFC 8259, 6); a plus sign, leading zeros, `.5` and `5.` mean one thing only, too."""


def number_in(text: str) -> float | None:
    """The finite number that a text is, white space around it aside; None where it is none."""
    text = text.strip()
    if not _WRITTEN.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


_IN_TEXT = re.compile(
    r"(?:(?<![\w)\].])[-+\u2212])?"  # 3-5 and GPT-4 have no minus
    r"(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<!\d)\.\d+)"  # 1,234 is one, 3,4 are two
    r"(?:[eE][-+]?\d+)?",
    re.ASCII,
)
"""A number in a text that a person or a model wrote."""


def numbers_of(text: str) -> list[float]:
    """The finite numbers in a text, in their order: commas between thousands and the minus of
    typesetters are understood."""
    found = (_read(one) for one in _IN_TEXT.findall(text))
    return [number for number in found if math.isfinite(number)]


def number_of(text: str) -> float | None:
    """The number that a text is, read likewise; None where it is none, or more than that."""
    text = text.strip().removesuffix(".")
    number = _read(text) if _IN_TEXT.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def _read(text: str) -> float:
    return float(text.replace(",", "").replace("\u2212", "-"))
