"""Small helpers for messages: names that are safe to print, lists of choices, near misses."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from patchbay.flows.secret_shapes import secret_kind

UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters, invisible ones, those that reorder text on a screen, half characters."""


HIDDEN = "(hidden: it looks like a secret)"


def printable(text: str, limit: int = 80) -> str:
    """Text from a file as it may go to a terminal: one line, nothing that acts on the screen.

    What looks like a key is not shown, wherever it stands.
    """
    if secret_kind(text):
        return HIDDEN
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def first_line(error: BaseException) -> str:
    """The first line of what an exception says; its type where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


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
    """The choices that a person may have meant, best first.

    What stands before the last dot is a family: within it only the rest is compared.
    """
    head, dot, tail = name[:100].rpartition(".")
    family = head + dot
    known = list(choices)
    kin = {choice.removeprefix(family): choice for choice in known if choice.startswith(family)}
    others = [choice for choice in known if not choice.startswith(family)]
    near = [kin[rest] for rest in difflib.get_close_matches(tail, kin, n=n, cutoff=0.6)]
    near += difflib.get_close_matches(name[:100], others, n=n, cutoff=0.6)
    near += [other for other in others if tail and tail in other.split(".")]
    return list(dict.fromkeys(near))[:n]


def did_you_mean(name: str, choices: Sequence[str], otherwise: str) -> str:
    """A fix that names near misses, else all of a short list, else `otherwise`."""
    near = close_to(name, choices)
    if near:
        return f"Did you mean {listed(near)}?"
    if choices and len(choices) <= 8:
        return f"Choose {listed(choices)}."
    return otherwise


def plural(count: int, noun: str) -> str:
    """`1 wire`, `2 wires`, `1,500 entries`."""
    if count == 1:
        return f"{count:,} {noun}"
    is_ies = noun.endswith("y") and noun[-2:-1] not in "aeiou"
    return f"{count:,} {noun[:-1]}ies" if is_ies else f"{count:,} {noun}s"
