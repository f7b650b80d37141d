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
