"""Tables as lines of text: one line for each row, whatever file they come from. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

BAR = " | "
"""What stands between two cells."""

Cell = tuple[str, int, int]
"""The text of a cell, and how many columns and rows it spans."""


def line_of(cells: Sequence[str]) -> str:
    """A row as one line; empty where no cell holds anything."""
    texts = [" ".join(cell.split()) for cell in cells]
    return BAR.join(texts).strip() if any(texts) else ""


def spread(rows: Sequence[Sequence[Cell]]) -> Iterator[list[str]]:
    """The cells of each row, column by column.

    What spans several rows is repeated in each, so that a row can be understood alone; what spans
    several columns stands in the first of them.
    """
    carried: dict[int, tuple[str, int]] = {}
    for row in rows:
        left, cells, below = deque(row), list[str](), dict[int, tuple[str, int]]()
        while left or any(column >= len(cells) for column in carried):
            column = len(cells)
            if column in carried:
                text, wide, high = carried[column][0], 1, carried[column][1]
            else:
                text, wide, high = left.popleft() if left else ("", 1, 1)
            for place in range(wide):
                cells.append(text if place == 0 else "")
                if high > 1:
                    below[column + place] = (cells[-1], high - 1)
        carried = below
        yield cells
