"""The sections of a Markdown text, by its headings as CommonMark sees them. Nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_FRONT_MATTER = re.compile(
    r"---[ \t]*\r?\n[\w-]+[ \t]*:.*?^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a text, from one heading to the next, as it stands.

    `headings` are those that it stands under, the outermost first, its own last.
    """

    text: str
    headings: tuple[str, ...]


def sections(text: str) -> list[Section]:
    """The sections of a text; joined they are the text.

    A heading is what CommonMark 0.31 says: with `#` or underlined, and not inside of code, HTML,
    quotes or lists. One with nothing below it belongs to the section that follows. Front matter
    (YAML between `---` at the very start) holds none: its last line would look underlined.
    """
    lines = _LINE.findall(text)
    found: list[Section] = []
    path: list[_Heading] = []
    begin = below = 0
    for heading in (*_headings(text), None):
        end = len(lines) if heading is None else heading.first
        if heading is None or "".join(lines[below:end]).strip():
            part = "".join(lines[begin:end])
            if part:
                found.append(Section(part, tuple(above.title for above in path if above.title)))
            begin = end
        if heading is not None:
            path = [above for above in path if above.level < heading.level] + [heading]
            below = heading.after
    return found


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    title: str
    first: int
    """The number of its first line, from 0."""
    after: int
    """The number of the first line below it."""


def _headings(text: str) -> Iterator[_Heading]:
    from markdown_it import MarkdownIt

    front = _FRONT_MATTER.match(text)
    skipped = len(_LINE.findall(front.group())) if front else 0
    body = text[front.end() :] if front else text
    inline = MarkdownIt("commonmark")
    tokens = MarkdownIt("commonmark").disable("inline").parse(body)  # blocks are all it takes
    for token, content in pairwise(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map is not None:
            title = "".join(map(_plain, inline.parseInline(content.content)))
            first, after = (line + skipped for line in token.map)
            yield _Heading(int(token.tag[1:]), " ".join(title.split()), first, after)


def _plain(token: Token) -> str:
    """What a reader sees of a heading: `*emphasis*` without its stars."""
    if token.children is not None:
        return "".join(map(_plain, token.children))
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return "" if token.type == "html_inline" else token.content
