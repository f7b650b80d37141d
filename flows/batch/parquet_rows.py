"""Rows of a Parquet file, a group of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patchbay.flows.batch.plain_cells import plain_cells
from patchbay.flows.batch.rows import Row, Rows, bad
from patchbay.flows.problems import Problem
from patchbay.flows.wording import first_line

AT_ONCE = 1024
"""Rows that are in memory at once."""


def parquet_rows(path: Path) -> Rows:
    """The rows of a Parquet file.

    Where a part of it is damaged, the rows of that group are said to be, one by one.

    Raises:
        FlowError: it is none.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path, memory_map=True)
    except pyarrow.ArrowInvalid as error:
        raise bad("batch/rows", f"{path.name} is not Parquet: {error}.", "Check it.") from None
    names = tuple(file.schema_arrow.names)
    rows = Rows(path.name, names, iter(()), file.metadata.num_rows, close=file.close)
    rows.each = _each(file, rows)
    return rows


def _each(file: Any, rows: Rows) -> Iterator[Row]:
    import pyarrow

    number = 0
    for group in range(file.num_row_groups):
        there = file.metadata.row_group(group).num_rows
        end = number + there
        if end <= rows.below:
            number = end
            continue
        try:
            for batch in file.iter_batches(AT_ONCE, row_groups=[group]):
                passed = min(batch.num_rows, max(0, rows.below - number))
                number += passed
                for cells in _cells(batch.slice(passed)) if passed < batch.num_rows else ():
                    yield number, cells if isinstance(cells, Problem) else plain_cells(cells)
                    number += 1
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
            why = first_line(error)
            said = f"Its part of the file (row group {group + 1}) is damaged: {why}."
            for left in range(max(number, rows.below), end):
                yield left, Problem("batch/row", said, "Write the file anew.")
            number = end


def _cells(batch: Any) -> list[Any]:
    """The cells of rows; a problem where Python has no such value (a date after the year 9999)."""
    try:
        found: list[Any] = batch.to_pylist()
        return found
    except (ValueError, OverflowError) as error:
        if batch.num_rows > 1:
            return [one for n in range(batch.num_rows) for one in _cells(batch.slice(n, 1))]
        return [Problem("batch/row", f"It cannot be read: {error}.", "Correct the value.")]
