"""Cells as JSON can hold them, whatever a table, a sheet or a database has."""

from __future__ import annotations

import base64
import datetime
import decimal
import math
from collections.abc import Callable, Mapping
from typing import Any

from patchbay.flows.problems import Problem

_PLAIN = frozenset({str, int, bool, type(None)})


def plain_cells(cells: Mapping[Any, Any]) -> dict[str, Any] | Problem:
    """The cells of a row; why it cannot be taken, where they are nested too deeply.

    What is no number becomes null, a date ISO 8601 text, a length of time its seconds, bytes
    base64, a decimal number a number where that holds every digit of it and else text.
    """
    try:
        return {
            name if type(name) is str else str(name): value
            if type(value) in _PLAIN
            else plain_cell(value)
            for name, value in cells.items()
        }
    except RecursionError:
        return Problem("batch/row", "Its values are nested too deeply.", "Flatten them.")


def plain_cell(value: Any) -> Any:
    """One of them.

    Raises:
        RecursionError: it is nested too deeply.
    """
    if type(value) in _PLAIN:
        return value
    for kind, plain in _KINDS:
        if isinstance(value, kind):
            return plain(value)
    try:
        return str(value)
    except Exception:  # a stranger's `__str__`
        return f"<{type(value).__name__}>"


def _decimal(value: decimal.Decimal) -> float | str | None:
    if not value.is_finite():
        return None
    number = float(value)
    return (
        number if math.isfinite(number) and decimal.Decimal(repr(number)) == value else str(value)
    )


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): plain_cell(item) for name, item in value.items()}


_KINDS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (float, lambda value: float(value) if math.isfinite(value) else None),
    (str, str),
    (int, int),
    (Mapping, _mapping),
    ((list, tuple, set, frozenset), lambda value: [plain_cell(item) for item in value]),
    (decimal.Decimal, _decimal),
    ((datetime.date, datetime.time), lambda value: value.isoformat()),
    (datetime.timedelta, lambda value: value.total_seconds()),
    ((bytes, bytearray, memoryview), lambda value: base64.b64encode(value).decode("ascii")),
)
