"""Words that were cut at the end of a line, made whole again. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CUT = re.compile(r"(?P<head>[^\W\d_][\w'’]*)(?P<sign>[-\u2010\xad])$")
_GOES_ON = re.compile(r"(?P<tail>[\w'’]+(?:-\w+)*[^\w\s]*)(?:\s+|$)")
_HYPHENATED = re.compile(r"(?<!\w)\w+(?:[-\u2010]\w+)+")
_WORD = re.compile(r"[^\W\d_]+")
LONGEST_WORD = 100
"""Letters of a word, at most."""

_JOINING = frozenset({"and", "bis", "e", "en", "et", "o", "oder", "of", "or", "ou", "to", "und"})
"""After "pre- and post-" the hyphen stands for the rest of a word."""


def whole_words(lines: Sequence[str]) -> list[str]:
    """Lines in which no word is cut at the end: the rest of it is taken from the next line.

    Whether the hyphen is the word's own ("well-known") or was set by the typesetter cannot be seen
    at the line's end. A spelling that stands elsewhere in the lines decides; else the hyphen goes
    where the word goes on in small letters, and stays before capitals and digits ("COVID-19").
    """
    text = "\n".join(lines)
    plain = {word.casefold() for word in _WORD.findall(text)}
    hyphenated = {word.replace("\u2010", "-").casefold() for word in _HYPHENATED.findall(text)}
    whole: list[str] = []
    rest = list(reversed(lines))
    while rest:
        line = rest.pop()
        cut = _cut(line.rstrip())
        while cut and rest and (goes_on := _GOES_ON.match(rest[-1].lstrip())):
            head, sign, tail = cut["head"], cut["sign"], goes_on["tail"]
            hyphen = _hyphen(head, sign, tail, plain, hyphenated)
            if hyphen is None:
                break
            line = line.rstrip()[: cut.start()] + head + hyphen + tail
            after = rest.pop().lstrip()[goes_on.end() :]
            if after:
                rest.append(after)
                break
            cut = _cut(line)
        whole.append(line.replace("\xad", ""))
    return whole


def _cut(line: str) -> re.Match[str] | None:
    """The half of a word at the end of a line. Only the end is looked at: lines may be long."""
    return _CUT.search(line, max(0, len(line) - LONGEST_WORD))


def _hyphen(head: str, sign: str, tail: str, plain: set[str], hyphenated: set[str]) -> str | None:
    """What stands between the two halves of a word; None where they are not one word."""
    if sign == "\xad":
        return ""
    word = _WORD.match(tail)
    second = word.group() if word else ""
    if not second:
        return "-"
    if second.casefold() in _JOINING:
        return None
    if f"{head}-{second}".casefold() in hyphenated:
        return "-"
    if f"{head}{second}".casefold() in plain:
        return ""
    return "-" if second[0].isupper() and not head.isupper() else ""
