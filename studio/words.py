"""Text that people or models wrote, made safe to show where Streamlit reads Markdown."""

from __future__ import annotations

import re
import time

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:&^=])")


def plain(text: str) -> str:
    """The text as Markdown that shows exactly it: for labels, captions and messages."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def entities(text: str) -> str:
    """The text as HTML entities: shows exactly it in Markdown and in HTML alike."""
    return "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in text)


def duration(seconds: float | None) -> str:
    """Seconds as people say them: `0.4 s`, `12 s`, `3 min 5 s`."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{seconds:.1f} s" if seconds >= 0.05 else "0 s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def size(count: int) -> str:
    """Bytes as people say them."""
    if count < 1000:
        return f"{count} B"
    for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if count < scale * 1000 or unit == "GB":
            return (
                f"{count / scale:.1f} {unit}"
                if count < scale * 100
                else f"{count / scale:.0f} {unit}"
            )
    return str(count)


def ago(at: float, now: float | None = None) -> str:
    """How long ago a Unix time was: `just now`, `5 min ago`, or the date."""
    passed = (time.time() if now is None else now) - at
    if passed < 60:
        return "just now"
    if passed < 3600:
        return f"{int(passed // 60)} min ago"
    if passed < 86400:
        return f"{int(passed // 3600)} h ago"
    return date(at)


def date(at: float, *, year: bool = True, clock: bool = False) -> str:
    """A Unix time as people here write it: `3 Nov 2026, 14:05:09`.

    Not every system knows how to leave out the zero of a day, so that is done here.
    """
    then = time.localtime(at)
    words = f"{then.tm_mday} {time.strftime('%b', then)}"
    words += f" {then.tm_year}" if year else ""
    return words + (time.strftime(", %H:%M:%S", then) if clock else "")


def count(number: int, word: str) -> str:
    """A number with its word: `1 node`, `2 nodes`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
