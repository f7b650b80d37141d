"""What databases give in a cell, as JSON."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

from pydantic import JsonValue


def plain_cell(cell: Any) -> JsonValue:
    """A value of a database as JSON: dates in ISO 8601, long decimals as text."""
    if cell is None or isinstance(cell, (str, bool, int)):
        return cell
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, decimal.Decimal):
        number = float(cell) if cell.is_finite() else math.nan
        exact = math.isfinite(number) and decimal.Decimal(repr(number)) == cell
        return number if exact else str(cell)
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    if isinstance(cell, (bytes, bytearray, memoryview)):
        return f"({len(bytes(cell)):,} bytes)"
    if isinstance(cell, dict):
        return {str(key): plain_cell(value) for key, value in cell.items()}
    if isinstance(cell, (list, tuple)):
        return [plain_cell(value) for value in cell]
    return str(cell)
