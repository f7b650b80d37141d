"""Amounts in words: bytes, seconds, dates. All that people read of them is worded here.

Bytes are decimal, as on disks, model hubs and bills: 1 MB is 1,000,000 bytes (IEC 80000-13). The
same number reads the same everywhere.
"""

from __future__ import annotations

import time
from datetime import datetime, tzinfo

MEGABYTE = 1_000_000
"""Bytes."""


def size_in_words(count: float) -> str:
    """Bytes in words, three digits at most: `12 B`, `1.5 kB`, `98.4 MB`, `515 MB`, `4.1 GB`."""
    if count < 999.5:
        return f"{count:.0f} B"
    unit, amount = "kB", count / 1e3
    for larger in ("MB", "GB"):
        if amount >= 999.5:
            unit, amount = larger, amount / 1e3
    shown = f"{amount:.1f}".removesuffix(".0") if amount < 99.95 else f"{amount:,.0f}"
    return f"{shown} {unit}"


def bytes_of(text: str) -> float:
    """Bytes as people write them: `1.5 GB`, `200MB`, `4096`.

    Raises:
        ValueError: it is no amount of bytes.
    """
    said = text.strip()
    for unit, size in (("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1.0), ("", 1.0)):
        if said.upper().endswith(unit):
            found = float(said[: len(said) - len(unit)]) * size
            if not 0 <= found < float("inf"):
                raise ValueError(f"{text} is no amount of bytes")
            return found
    raise AssertionError(text)


def duration(seconds: float | None) -> str:
    """Seconds in words: `0.044 s`, `2.5 s`, `12 s`, `3 min 5 s`, `2 h 10 min`; "" for None.

    `studio/canvas/frontend/src/duration.ts` says it likewise in the browser.
    """
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{seconds:.2g} s" if seconds >= 0.0005 else "0 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def pace(a_second: float) -> str:
    """How many of something go by: `120 a second`, `2.5 a second`, `30 a minute`, `4 an hour`."""
    if a_second >= 0.995:
        shown = f"{a_second:,.0f}" if a_second >= 9.95 else f"{a_second:.1f}".removesuffix(".0")
        return f"{shown} a second"
    if a_second * 60 >= 0.995:
        return f"{a_second * 60:.0f} a minute"
    return f"{a_second * 3600:.2g} an hour"


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


def timestamp(at: float, zone: tzinfo | None = None) -> str:
    """A Unix time for a column of them, which can be sorted as text: `2026-11-03 14:05`.

    Args:
        at: the time.
        zone: its time zone, which is then named; that of this machine unless given.
    """
    if zone is not None:
        return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M %Z")
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def clock(at: float) -> str:
    """The time of day of a Unix time: `14:05:09`."""
    return time.strftime("%H:%M:%S", time.localtime(at))
