"""Which table of the history a row belongs to, by its values alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Column, Table

JSON = {
    "runs": ("only", "inputs", "outputs", "problem"), "events": ("data",), "steps": ("value",),
    "questions": ("data",), "answers": ("data",),
}  # fmt: skip
"""Columns that hold JSON, by table: where they do not, the row was torn."""
_TORN = "\0" * 8
"""What stands in a text of which a piece was written over with zeros."""


class RowShapes:
    """Knows the rows of tables by how many values they have, and of which types.

    Args:
        tables: those that a row may be of.
    """

    def __init__(self, tables: Sequence[Table]) -> None:
        self._by_width: dict[int, list[tuple[Table, list[_Shape]]]] = {}
        for table in tables:
            shapes = [_Shape(table, column) for column in table.columns]
            self._by_width.setdefault(len(shapes), []).append((table, shapes))

    def row(self, number: int, values: Sequence[object]) -> tuple[Table, dict[str, Any]] | None:
        """The table of a row that stood in a file, and its columns; None where it fits none, or
        more than one.

        Args:
            number: the row's own, which SQLite keeps in place of a counted key.
            values: as they stood there.
        """
        fits = [
            (table, shapes)
            for table, shapes in self._by_width.get(len(values), ())
            if all(shape.takes(value) for shape, value in zip(shapes, values, strict=True))
        ]
        if len(fits) != 1:
            return None
        table, shapes = fits[0]
        row = {
            shape.name: number if shape.counted else value
            for shape, value in zip(shapes, values, strict=True)
        }
        return (table, row) if is_whole(table.name, row) else None


class _Shape:
    """What a column takes."""

    def __init__(self, table: Table, column: Column[Any]) -> None:
        import sqlalchemy as sa

        self.name = column.name
        self.counted = list(table.primary_key) == [column] and isinstance(column.type, sa.Integer)
        self._empty = bool(column.nullable)
        if isinstance(column.type, sa.Float):
            self._types: tuple[type, ...] = (float, int)  # a whole number is kept as one
        else:
            self._types = (str,) if isinstance(column.type, sa.String) else (int,)

    def takes(self, value: object) -> bool:
        """Whether a value of the file can be of this column."""
        if value is None:
            return self._empty or self.counted
        return not self.counted and isinstance(value, self._types)


def is_whole(table: str, row: dict[str, Any]) -> bool:
    """Whether what a row holds can be read."""
    try:
        for name in JSON.get(table, ()):
            if row.get(name) is not None:
                json.loads(row[name])
    except (ValueError, TypeError, RecursionError):
        return False
    return not any(isinstance(value, str) and _TORN in value for value in row.values())
