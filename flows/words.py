"""Small helpers for messages: names that are safe to print, lists of choices, near misses."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters, invisible ones, those that reorder text on a screen, half characters."""


def printable(text: str, limit: int = 80) -> str:
    """Text from a file as it may go to a terminal: one line, nothing that acts on the screen."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def quoted(text: object, limit: int = 80) -> str:
    """A name in double quotes, safe to print."""
    return f'"{printable(str(text), limit)}"'


def listed(names: Iterable[object], *, last: str = "or", limit: int = 8) -> str:
    """`"a", "b" or "c"`; long lists end in a count."""
    shown = [quoted(name) for name in names]
    if len(shown) > limit:
        return ", ".join(shown[:limit]) + f" {last} {len(shown) - limit} more"
    if len(shown) < 2:
        return "".join(shown)
    return ", ".join(shown[:-1]) + f" {last} {shown[-1]}"


def close_to(name: str, choices: Iterable[str], n: int = 3) -> list[str]:
    """The choices that a person may have meant, best first."""
    known = list(choices)
    found = difflib.get_close_matches(name[:100], known, n=n, cutoff=0.6)
    tail = name.rpartition(".")[2].lower()
    more = [c for c in known if tail and tail in c.lower().split(".") and c not in found]
    return (found + more)[:n]


def did_you_mean(name: str, choices: Sequence[str], otherwise: str) -> str:
    """A fix that names near misses, else all of a short list, else `otherwise`."""
    near = close_to(name, choices)
    if near:
        return f"Did you mean {listed(near)}?"
    if choices and len(choices) <= 8:
        return f"Choose {listed(choices)}."
    return otherwise


def plural(count: int, noun: str) -> str:
    """`1 wire`, `2 wires`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
