"""What a reader sees of an HTML page, as plain text.

Parsed by selectolax (Lexbor), which follows the HTML standard: unclosed tags, tables and raw text
come out as in a browser. Lines break at block elements only, so that a tag inside a word does not
tear it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from patchbay.nodes.text.tables import line_of, spread

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_BLOCKS = (
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li listing main "
    "menu nav ol optgroup option p plaintext pre search section summary table tbody td text tfoot "
    "th thead tr ul xmp br"
)
BLOCKS = frozenset(_BLOCKS.split())
"""Elements that begin and end a line (`text` is that of an SVG picture)."""

_HIDDEN = (
    "annotation annotation-xml audio canvas datalist desc head iframe metadata noembed noframes "
    "noscript object rp rt rtc script style template title video"
)
HIDDEN = frozenset(_HIDDEN.split())
"""Elements whose content is not read: not shown, or a reading aid that would tear a word."""

AS_WRITTEN = frozenset({"listing", "plaintext", "pre", "textarea", "xmp"})
"""Elements that keep blanks and line ends."""

_UNSEEN = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))\b", re.I
)
"""A style of an element itself by which nobody sees it."""

_BLANKS = re.compile(r"[ \t\n\r\f\xa0]+")
_LINE_ENDS = re.compile(r"\r\n?|\n")
_MOST_SPANNED = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its title, empty where it has none, and its text."""

    title: str
    text: str


def read_page(html: str) -> Page:
    """The title and the text of a page.

    `<pre>` keeps its blanks and line ends; each row of a table is a line, its cells apart by a
    bar; ticks of a form are `[x]` or `[ ]`. A superscript number after a digit is written with `^`,
    since 10<sup>5</sup> is not 105.
    """
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    root = tree.root
    text = _text(root) if root is not None else ""
    return Page(_title(tree.css("title")), text)


def _title(found: list[LexborNode]) -> str:
    """The first title that is the document's own, not that of a picture in it."""
    own = (node for node in found if not _inside(node, "svg"))
    return " ".join(node.text().split()) if (node := next(own, None)) is not None else ""


def _inside(node: LexborNode | None, tag: str) -> bool:
    while node is not None:
        if node.tag == tag:
            return True
        node = node.parent
    return False


@dataclass(slots=True)
class _Lines:
    """Lines as they are written; those outside of `<pre>` without needless blanks."""

    done: list[str] = field(default_factory=list)
    current: str = ""
    kept: bool = False
    """Whether the current line holds text of a `<pre>`."""

    def add(self, text: str) -> None:
        text = _BLANKS.sub(" ", text)
        self.current += text.lstrip(" ") if self.current.endswith((" ", "\n")) else text

    def add_as_written(self, text: str) -> None:
        first, *others = _LINE_ENDS.split(text)
        self.kept, self.current = True, self.current + first
        for line in others:
            self._put(self.current.rstrip())
            self.current = line

    def end(self) -> None:
        """End the line; a line with nothing on it is none."""
        line = self.current.rstrip() if self.kept else self.current.strip()
        if line:
            self._put(line)
        self.current, self.kept = "", False

    def _put(self, line: str) -> None:
        self.done.append(line)

    def whole(self) -> str:
        self.end()
        return "\n".join(self.done).strip("\n")


def _text(root: LexborNode) -> str:
    lines = _Lines()
    as_written = 0
    for node, entering in _walk(root):
        tag = node.tag or ""
        if _is_unseen(node):
            continue
        if tag == "-text":
            text = (node.text_content or "").replace("\xad", "")  # soft hyphens are not shown
            (lines.add_as_written if as_written else lines.add)(text)
        elif tag == "table" and entering and _holds_data(node):
            lines.end()
            lines.done += _rows(node)
        elif tag == "input" and entering:
            lines.add(_input(node))
        elif tag == "sup" and entering and _is_power(node, lines.current):
            lines.current += "^"
        elif tag in BLOCKS:
            lines.end()
        as_written += (1 if entering else -1) * (tag in AS_WRITTEN)
    return lines.whole()


def _walk(root: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Every node on entering, and every element again on leaving. Without recursion: pages nest."""
    node: LexborNode | None = root
    while node is not None:
        yield node, True
        inner = None if _is_closed(node) else node.child
        while inner is None and node is not None:
            if not node.is_text_node:
                yield node, False
            if node.mem_id == root.mem_id:
                return
            inner, node = node.next, node.parent
        node = inner


def _is_closed(node: LexborNode) -> bool:
    if node.tag in HIDDEN or _is_unseen(node):
        return True
    return node.tag == "table" and _holds_data(node)


def _is_unseen(node: LexborNode) -> bool:
    """Whether a page says itself that an element is not shown (HTML standard, 6.1 and 15.3.1).

    What a search of the browser may open (`hidden=until-found`, closed details) is read. Style
    sheets are not looked at.
    """
    if node.is_text_node or not (given := node.attributes):
        return node.tag == "dialog"
    if "hidden" in given:
        return (given["hidden"] or "").strip().lower() != "until-found"
    if node.tag == "dialog" and "open" not in given:
        return True
    return _UNSEEN.search(given.get("style") or "") is not None


# --- tables -------------------------------------------------------------------------------------


def _holds_data(table: LexborNode) -> bool:
    """Whether a table is one, and not a way to lay out a page."""
    if table.attributes.get("role") in ("presentation", "none"):
        return False
    inside = (node for node in table.traverse() if node.mem_id != table.mem_id)
    if any(node.tag == "table" for node in inside):
        return False
    return table.css_first("td, th") is not None


def _rows(table: LexborNode) -> Iterator[str]:
    """Each row as a line. What spans several rows stands in each of them."""
    for caption in table.css("caption"):
        yield " ".join(_text(caption).split())
    grid = [
        [
            (" ".join(_text(cell).split()), _span(cell, "colspan"), _span(cell, "rowspan"))
            for cell in row.css("td, th")
            if not _is_unseen(cell)
        ]
        for row in table.css("tr")
        if not (_is_unseen(row) or _is_unseen(row.parent or row))
    ]
    for cells in spread(grid):
        if line := line_of(cells):
            yield line


def _span(cell: LexborNode, name: str) -> int:
    given = cell.attributes.get(name) or ""
    return min(max(int(given), 1), _MOST_SPANNED) if given.isdecimal() else 1


# --- inline -------------------------------------------------------------------------------------


def _input(node: LexborNode) -> str:
    """What a field of a form shows."""
    given = node.attributes
    kind = (given.get("type") or "text").lower()
    if kind in ("checkbox", "radio"):
        return "[x] " if "checked" in given else "[ ] "
    if kind in ("hidden", "password", "file", "image", "color", "range"):
        return ""
    return given.get("value") or ""


def _is_power(node: LexborNode, before: str) -> bool:
    inner = node.text().strip()
    return before[-1:].isdigit() and inner.lstrip("+-−").isdigit()
