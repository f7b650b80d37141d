"""Rows of the first sheet of an Excel workbook, as they are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patchbay.flows.batch.plain_cells import plain_cells
from patchbay.flows.batch.rows import Row, Rows, bad


def excel_rows(path: Path) -> Rows:
    """The rows below the header of the first sheet. Empty ones are none.

    Raises:
        FlowError: it is no workbook, or openpyxl is not installed.
    """
    try:
        import openpyxl
    except ImportError:
        fix = "pip install openpyxl, or save the sheet as CSV."
        raise bad("batch/rows", "Reading Excel needs openpyxl.", fix) from None
    import zipfile

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise bad("batch/rows", f"{path.name} is no workbook: {error}.", "Check it.") from None
    each = book.worksheets[0].iter_rows(values_only=True)
    header = next(each, None)
    if header is None or not any(header):
        book.close()
        raise bad("batch/no-rows", f"{path.name} holds no rows.", "Give a header and rows.")
    names = tuple(
        str(name) if name is not None else f"column_{n}" for n, name in enumerate(header, 1)
    )
    if len(set(names)) < len(names):
        book.close()
        raise bad("batch/rows", f"{path.name} has two columns of one name.", "Rename one.")
    rows = Rows(path.name, names, iter(()), None, close=book.close)
    rows.each = _each(each, rows)
    return rows


def _each(each: Iterator[Any], rows: Rows) -> Iterator[Row]:
    number, names = 0, rows.columns or ()
    for values in each:
        if all(value is None for value in values):
            continue
        if number >= rows.below:
            yield number, plain_cells(dict(zip(names, values, strict=False)))
        number += 1
