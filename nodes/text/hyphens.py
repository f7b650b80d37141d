"""Words that were cut at the end of a line, made whole again. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

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


_NUMBER = re.compile(r"\W*(?:\w{1,6}\W+)?\d{1,4}(?:\W+\w{1,4}\W+\d{1,4})?\W*")
"""A line with a page's number: "7", "- 7 -", "Page 7 of 9"."""


def whole_page(lines: Sequence[str]) -> list[str]:
    """`whole_words` of a page: its number at the foot is not the rest of a word above it."""
    last = next((at for at in range(len(lines) - 1, 0, -1) if lines[at].strip()), 0)
    if not last or not _NUMBER.fullmatch(lines[last].strip()):
        return whole_words(lines)
    return [*whole_words(lines[:last]), *lines[last:]]


def over_pages(page: str, after: str) -> tuple[str, str]:
    """Two pages, where a word that is cut at the end of the first is whole there.

    Page numbers below and above are passed over, and a running head that both pages have. Only a
    word that goes on in small letters, or after a soft hyphen, is one.
    """
    lines, others = page.split("\n"), after.split("\n")
    last = _line(range(len(lines) - 1, -1, -1), lines, ())
    first = _line(range(len(others)), others, lines[:1])
    if last is None or first is None:
        return page, after
    cut = _cut(lines[last].rstrip())
    goes_on = _GOES_ON.match(others[first].lstrip())
    if cut is None or goes_on is None:
        return page, after
    if cut["sign"] != "\xad" and not goes_on["tail"][0].islower():
        return page, after
    text = f"{page}\n{after}"
    plain = {word.casefold() for word in _WORD.findall(text)}
    hyphenated = {word.replace("\u2010", "-").casefold() for word in _HYPHENATED.findall(text)}
    hyphen = _hyphen(cut["head"], cut["sign"], goes_on["tail"], plain, hyphenated)
    if hyphen is None:
        return page, after
    lines[last] = lines[last].rstrip()[: cut.start()] + cut["head"] + hyphen + goes_on["tail"]
    others[first] = others[first].lstrip()[goes_on.end() :]
    if not others[first]:
        del others[first]
    return "\n".join(lines), "\n".join(others).lstrip("\n")


def _line(order: Iterable[int], lines: Sequence[str], heads: Sequence[str]) -> int | None:
    """The first line, in that order, that is no page number and no running head."""
    for at in order:
        line = lines[at].strip()
        if line and line not in heads and not _NUMBER.fullmatch(line):
            return at
    return None
