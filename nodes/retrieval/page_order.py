"""In which order the lines of a page are read: columns, rows of tables, paragraphs. Pure.

Recursive cuts along white space (Nagy & Seth 1984, "Hierarchical Representation of Optically
Scanned Documents"). pdfminer's own order of text boxes is not taken: of equal distances it takes
the one whose object lies lower in memory, so that two runs may read one page differently, and its
cost grows with the cube of the boxes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from patchbay.nodes.retrieval.right_to_left import mostly_in
from patchbay.nodes.text.tables import line_of

Kind = Literal["line", "table", "field"]


@dataclass(frozen=True, slots=True)
class Item:
    """Something on a page: a line of text, a whole table or what was filled into a field.

    Places are in points, from the top left corner.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    kind: Kind = "line"

    @property
    def height(self) -> float:
        """Points."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Half its height, from the top of the page."""
        return (self.top + self.bottom) / 2


Gap = tuple[float, float]
Band = list[Item]

GUTTER = 0.8
"""How wide white space between columns is at least, in heights of a line."""
SECTION = 2.0
"""White space across the page that ends columns, in heights of a line."""
PARAGRAPH = 0.6
"""White space between two lines that ends a paragraph, in heights of a line."""
WORDS_OF_A_CELL = 3
"""Columns with shorter lines, in rows, are a table that was drawn without rules."""


def reading_order(items: Sequence[Item]) -> list[str]:
    """The lines of a page in the order in which they are read; an empty one between paragraphs.

    Columns are read one after the other. Where they stand in rows, and their cells are of one to
    three words, they are a table, and each row becomes a line. Where most letters are of Hebrew or
    Arabic, all of that is from right to left.
    """
    if not items:
        return []
    if mostly_in("".join(item.text for item in items)):
        # What begins at the right is read as its mirror image is: columns, cells, bullets.
        items = [replace(item, left=-item.right, right=-item.left) for item in items]
    height = median([item.height for item in items if item.kind != "table"] or [12.0])
    found = _ordered(_with_marks(items), height)
    lines: list[str] = []
    for before, line in zip([None, *found], found, strict=False):
        if before is not None and _is_apart(before, line, height):
            lines.append("")
        lines += line.text.splitlines()
    return lines


def _is_apart(before: Item, line: Item, height: float) -> bool:
    gap = line.top - before.bottom
    if gap < -height:  # further up: the next column
        return before.text.rstrip().endswith((".", "!", "?", ":"))
    return "table" in (before.kind, line.kind) or gap > PARAGRAPH * height


_MARK = re.compile(r"[•‣◦▪●○■□*–—-]|\(?\w{1,3}[.)]|\d{1,3}(?:\.\d{1,3})*\.?|\[[ x]\]")
_REACH = 5.0
"""How far what belongs to a bullet may stand from it, in heights."""


def _with_marks(items: Sequence[Item]) -> list[Item]:
    """Items, with bullets, numbers and ticks joined to the line on their right: they are no
    column."""
    taken: set[int] = set()
    joined: dict[int, Item] = {}
    for at, mark in enumerate(items):
        if mark.kind != "table" and _MARK.fullmatch(mark.text.strip()):
            beside = [
                (other.left - mark.right, number)
                for number, other in enumerate(items)
                if number != at and other.kind == "line" and number not in joined
                and abs(other.middle - mark.middle) < 0.5 * max(mark.height, other.height)
                and 0 <= other.left - mark.right < _REACH * mark.height
            ]  # fmt: skip
            if beside:
                number = min(beside)[1]
                taken.add(at)
                joined[number] = _as_one([items[number], mark], f"{mark.text} {items[number].text}")
    return [joined.get(at, item) for at, item in enumerate(items) if at not in taken]


def _ordered(items: list[Item], height: float) -> list[Item]:
    bands = list(_bands(items))
    sides = min(item.left for item in items), max(item.right for item in items)
    found: list[Item] = []
    at = 0
    while at < len(bands):
        end = _end_of_columns(bands, at, sides, height)
        found += _parts(bands[at:end], height) if end > at + 1 else [_joined(bands[at])]
        at = end
    return found


def _parts(bands: list[Band], height: float) -> Iterator[Item]:
    """What stands in columns: rows of tables, and between them prose, column by column."""
    prose: list[Item] = []
    for block in _blocks(bands, height):
        if rows := _as_rows(block, _gaps(block, height)):
            yield from _by_column(prose, height)
            yield from rows
            prose = []
        else:
            prose += block
    yield from _by_column(prose, height)


def _by_column(items: list[Item], height: float) -> Iterator[Item]:
    columns = [column for column in _between(items, _gaps(items, height)) if column]
    if len(list(_rows(items))) < 2 or not _stand_side_by_side(columns):
        yield from map(_joined, _bands(items))
        return
    for column in columns:
        yield from _ordered(column, height)


def _stand_side_by_side(columns: list[list[Item]]) -> bool:
    """Whether most lines of the shortest column have a neighbour: indented lines have none."""
    if len(columns) < 2:
        return False
    shortest = min(columns, key=len)
    others = [item for column in columns if column is not shortest for item in column]
    beside = sum(
        any(item.top < other.bottom and other.top < item.bottom for other in others)
        for item in shortest
    )
    return beside >= 0.5 * len(shortest)


def _blocks(bands: list[Band], height: float) -> Iterator[list[Item]]:
    """Bands between which there is no more white space than between the lines of a paragraph."""
    block: list[Item] = []
    for band in bands:
        if block and _distance(block, band) > PARAGRAPH * height:
            yield block
            block = []
        block += band
    yield block


def _distance(above: list[Item], below: list[Item]) -> float:
    return min(item.top for item in below) - max(item.bottom for item in above)


def _bands(items: list[Item]) -> Iterator[Band]:
    """Items that stand side by side, from the top. Lines may overlap a little."""
    band: list[Item] = []
    for item in sorted(items, key=lambda item: (item.top, item.left)):
        if band and item.middle > max(other.bottom for other in band):
            yield band
            band = []
        band.append(item)
    if band:
        yield band


def _end_of_columns(bands: list[Band], start: int, sides: Gap, height: float) -> int:
    """The number of the band after the columns that begin with one; the next where none do."""
    free, inside, best = [sides], list[Item](), start + 1
    for end in range(start, len(bands)):
        if inside and _distance(inside, bands[end]) > SECTION * height:
            break
        inside += bands[end]
        free = _free(free, bands[end], height)
        if not free:
            break
        if _with_text_on_both_sides(free, inside):
            best = end + 1
    return best


def _gaps(items: list[Item], height: float) -> list[Gap]:
    """The white space between columns."""
    if not items:
        return []
    sides = min(item.left for item in items), max(item.right for item in items)
    return _with_text_on_both_sides(_free([sides], items, height), items)


def _free(free: list[Gap], items: list[Item], height: float) -> list[Gap]:
    """What is left of white space beside items, where it is wide enough for a gutter."""
    for item in items:
        free = list(_without(free, item, GUTTER * height))
    return free


def _without(free: list[Gap], item: Item, least: float) -> Iterator[Gap]:
    for low, high in free:
        for part in ((low, min(high, item.left)), (max(low, item.right), high)):
            if part[1] - part[0] >= least:
                yield part


def _with_text_on_both_sides(free: list[Gap], items: list[Item]) -> list[Gap]:
    """Those gaps that have text on both sides."""
    first, last = min(i.right for i in items), max(i.left for i in items)
    return sorted({(low, high) for low, high in free if low >= first and high <= last})


def _between(items: list[Item], gaps: list[Gap]) -> list[list[Item]]:
    """The items of each column, which may be none."""
    columns: list[list[Item]] = [[] for _ in range(len(gaps) + 1)]
    for item in items:
        columns[sum(item.left >= high for _, high in gaps)].append(item)
    return columns


# --- rows ---------------------------------------------------------------------------------------


def _as_rows(items: list[Item], gaps: list[Gap]) -> list[Item]:
    """The rows of a table without rules, or of a form; none where it is columns of prose."""
    rows = [(_between(row, gaps), row) for row in _rows(items)]
    full = sum(sum(bool(cell) for cell in cells) > 1 for cells, _ in rows)
    words = median(len(item.text.split()) for item in items)
    fields = sum(item.kind == "field" for item in items)
    if (
        (len(rows) < 2 and not fields)
        or full < 0.7 * len(rows)
        or any(item.kind == "table" for item in items)
    ):
        return []
    if words > WORDS_OF_A_CELL and fields < 0.3 * len(rows):
        return []
    if fields:
        return [_as_one(row, _text(row)) for _, row in rows]
    return [_as_one(row, line_of([_text(cell) for cell in cells])) for cells, row in rows]


def _text(cell: list[Item]) -> str:
    return " ".join(item.text for item in cell)


def _rows(items: list[Item]) -> Iterator[list[Item]]:
    """Items on one line, from left to right."""
    row: list[Item] = []
    for item in sorted(items, key=lambda item: (item.middle, item.left)):
        if row and item.middle - row[0].middle > 0.5 * min(item.height, row[0].height):
            yield sorted(row, key=lambda item: item.left)
            row = []
        row.append(item)
    if row:
        yield sorted(row, key=lambda item: item.left)


def _joined(band: list[Item]) -> Item:
    """What stands side by side with no white space between that could part columns."""
    return _as_one(band, "\n".join(_text(row) for row in _rows(band)))


def _as_one(items: list[Item], text: str) -> Item:
    if len(items) == 1:
        return items[0]
    return Item(
        text,
        min(item.left for item in items),
        min(item.top for item in items),
        max(item.right for item in items),
        max(item.bottom for item in items),
        items[0].kind,
    )
