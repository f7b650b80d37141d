"""Patterns with `*`. Pure."""

from __future__ import annotations


def fits(text: str, pattern: str) -> bool:
    """Whether a text is as a pattern says, in which `*` stands for any text, also for none.

    Nothing else is special: `[`, `]` and `?` stand for themselves, as in "notes [2024].md".
    """
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *inner, last = others
    if not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in inner:  # the first place that fits leaves most room for the rest
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return at <= end
