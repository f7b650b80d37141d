"""Values that are looked at: tables, charts, pictures. Plain data, drawn by whoever shows it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import JsonValue, model_validator

from patchbay.nodes.data import Picture, Value

__all__ = ["Chart", "Picture", "Table", "cell_text"]


class Table(Value):
    """Rows under named columns. Cells are JSON values."""

    wire: ClassVar[str] = "table"

    columns: tuple[str, ...]
    rows: tuple[tuple[JsonValue, ...], ...] = ()
    title: str = ""

    @model_validator(mode="after")
    def _rectangular(self) -> Table:
        for number, row in enumerate(self.rows, 1):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row {number} has {len(row)} cells for {len(self.columns)} columns"
                )
        return self

    def as_markdown(self) -> str:
        """The table in Markdown."""
        lines = [_line(self.columns), _line(["---"] * len(self.columns))]
        lines += [_line(cell_text(cell) for cell in row) for row in self.rows]
        return "\n".join([f"**{self.title}**\n", *lines] if self.title else lines)


class Chart(Value):
    """Points to be drawn over two named fields of `rows`.

    `color` names the field that tells series apart; `low` and `high` those of an error bar; `label`
    what is written beside a point. In a heat map x and y are words and `color` is the number.
    """

    wire: ClassVar[str] = "chart"

    kind: Literal["bar", "line", "point", "heat"]
    rows: tuple[dict[str, JsonValue], ...]
    x: str
    y: str
    color: str | None = None
    low: str | None = None
    high: str | None = None
    label: str | None = None
    title: str = ""
    x_title: str = ""
    y_title: str = ""

    def as_table(self) -> Table:
        """The same points as a table."""
        if self.kind == "heat":
            return self._as_matrix()
        named = (self.label, self.color, self.x, self.y, self.low, self.high)
        fields = [f for f in named if f is not None]
        columns = tuple(dict.fromkeys(fields))
        rows = tuple(tuple(row.get(column) for column in columns) for row in self.rows)
        return Table(columns=columns, rows=rows, title=self.title)

    def _as_matrix(self) -> Table:
        """A heat map as rows and columns of numbers."""
        across = tuple(dict.fromkeys(cell_text(row.get(self.x)) for row in self.rows))
        cells: dict[str, dict[str, JsonValue]] = {}
        for row in self.rows:
            found = cells.setdefault(cell_text(row.get(self.y)), {})
            found[cell_text(row.get(self.x))] = row.get(self.color or "")
        rows = tuple(
            (name, *(found.get(other) for other in across)) for name, found in cells.items()
        )
        return Table(columns=("", *across), rows=rows, title=self.title)


def cell_text(cell: JsonValue) -> str:
    """A table cell in words: four significant digits, nothing for null."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.4g}" if abs(cell) < 10_000 else f"{cell:,.0f}"
    return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)


def _line(cells: Iterable[str]) -> str:
    shown = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(shown)} |"
