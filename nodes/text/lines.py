"""The lines of a text."""

from __future__ import annotations

import re

_END = re.compile(r"\r\n|\r|\n")


def lines_of(text: str) -> list[str]:
    """The lines, without their ends: LF, CR LF or CR, as in files.

    `str.splitlines` also breaks at U+2028, U+0085, form feeds and others, which stand inside texts
    that come as JSON or out of a PDF.
    """
    lines = _END.split(text)
    return lines if lines[-1] else lines[:-1]
