"""Where rows come from: CSV, JSON Lines, Parquet, Excel, a folder, a database, standard input.

Nothing is read whole: a table may be larger than memory. A row that cannot be read is said in its
place, and the next one follows.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from patchbay.flows.batch.plain_cells import plain_cells
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.io.csv_table import BadTable, stream_table
from patchbay.nodes.strict_json import parse_once_each

RowCells = dict[str, Any]
Row = tuple[int, RowCells | Problem]
"""The number of a row, from 0, and its cells; the reason where it cannot be read."""

FORMATS = (
    ".csv, .tsv, .jsonl, .parquet, .xlsx, a folder, a database address, or - for standard input"
)


@dataclass
class Rows:
    """The rows of one source, to be gone over once.

    `columns` are their names where all rows have the same; `total` how many there are, where that
    is known before they are read; `share` says how much of the source has been read, 0 to 1.
    """

    name: str
    columns: tuple[str, ...] | None
    each: Iterator[Row]
    total: int | None = None
    share: Callable[[], float | None] = field(default=lambda: None)
    close: Callable[[], None] = field(default=lambda: None)
    below: int = 0
    """Rows before this one are done: they are passed over, and not given."""


def first_row(rows: Rows) -> RowCells | Problem | None:
    """The first row, which is given again; None where there is none."""
    first = next(rows.each, None)
    if first is None:
        return None
    rows.each = itertools.chain([first], rows.each)
    return first[1]


def open_rows(source: str, query: str = "") -> Rows:
    """The rows of a file, a folder, a database or standard input.

    Args:
        source: a path; `-`; or an address of a database, with `query`.
        query: the SQL that gives the rows.

    Raises:
        FlowError: it is not there, cannot be read, or is of no known form.
    """
    if "://" in source:
        from patchbay.flows.batch.databases import database_rows

        return database_rows(source, query)
    if query:
        raise bad("batch/query", "--query is for a database.", "Give --rows sqlite:///file.db.")
    try:
        return _opened(source)
    except OSError as error:
        what = error.strerror or str(error)
        raise bad("batch/rows", f"{source} cannot be read: {what}.", "Check the path.") from None


def _opened(source: str) -> Rows:
    if source == "-":
        return _text_rows(sys.stdin, "standard input", None)
    path = Path(source)
    if path.is_dir():
        return _folder_rows(path)
    match path.suffix.lower():
        case ".parquet" | ".pq":
            from patchbay.flows.batch.parquet_rows import parquet_rows

            return parquet_rows(path)
        case ".xlsx" | ".xlsm":
            from patchbay.flows.batch.excel_rows import excel_rows

            return excel_rows(path)
        case ".csv" | ".tsv" | ".txt" | ".jsonl" | ".ndjson" | ".json":
            return _text_rows(path.open(encoding="utf-8-sig", newline=""), path.name, path)
    raise bad("batch/rows", f"{source} is of no form that holds rows.", f"Give {FORMATS}.")


def bad(code: str, message: str, fix: str) -> FlowError:
    """A problem of a batch as a whole."""
    return FlowError([Problem(code, message, fix)])


# --- text: CSV and JSON Lines -------------------------------------------------------------------


def _text_rows(file: TextIO, name: str, path: Path | None) -> Rows:
    size = path.stat().st_size if path else 0

    def share() -> float | None:
        if not size or file.closed:
            return None
        return min(1.0, file.buffer.tell() / size) if hasattr(file, "buffer") else None

    first = _first_line(file, name)
    close = file.close if path else lambda: None
    lines = _from(first, file, name)
    if first.lstrip()[:1] in ("{", "["):
        if first.lstrip()[:1] == "[":
            return Rows(name, None, _listed(lines, name), None, share, close)
        rows = Rows(name, None, iter(()), None, share, close)
        rows.each = _json_lines(lines, rows)
        return rows
    try:
        table = stream_table(lines, above=lambda: rows.below)
    except BadTable as error:
        raise bad("batch/rows", f"{name} is no table: {error}.", f"Give {FORMATS}.") from None
    rows = Rows(name, tuple(table.columns), iter(()), None, share, close)
    rows.each = _csv(table.rows, rows)
    return rows


def _first_line(file: TextIO, name: str) -> str:
    try:
        for line in file:
            if line.strip():
                return line
    except UnicodeDecodeError:
        raise _not_text(name) from None
    raise bad("batch/no-rows", f"{name} holds no rows.", "Give a table with a header and rows.")


def _not_text(name: str) -> FlowError:
    return bad("batch/rows", f"{name} is not UTF-8 text.", "Save it as UTF-8.")


def _from(first: str, file: TextIO, name: str) -> Iterator[str]:
    yield first
    try:
        yield from file
    except UnicodeDecodeError:
        raise _not_text(name) from None


def _csv(found: Iterator[Any], rows: Rows) -> Iterator[Row]:
    for number, row in enumerate(found, rows.below):
        if isinstance(row, BadTable):
            yield number, Problem("batch/row", f"It cannot be read: {row}.", "Correct the line.")
        else:
            yield number, row


def _json_lines(lines: Iterator[str], rows: Rows) -> Iterator[Row]:
    number = 0
    for place, line in enumerate(lines, 1):
        if line.strip():
            if number >= rows.below:
                yield number, _object(line, f"Line {place}")
            number += 1


def _object(line: str, place: str) -> RowCells | Problem:
    try:
        value = parse_once_each(line)
    except (ValueError, RecursionError) as error:
        return Problem("batch/row", f"{place} is not JSON: {error}.", "Correct the line.")
    if isinstance(value, dict):
        return plain_cells(value)
    return Problem("batch/row", f"{place} is no JSON object.", 'Write {"column": value}.')


def _listed(lines: Iterator[str], name: str) -> Iterator[Row]:
    """A JSON list has no lines to go by: it is read whole."""
    try:
        found = parse_once_each("".join(lines))
    except (ValueError, RecursionError) as error:
        raise bad("batch/rows", f"{name} is not JSON: {error}.", "Give JSON Lines.") from None
    for number, item in enumerate(found):
        no = Problem("batch/row", f"Item {number + 1} is no JSON object.", "Give objects.")
        yield number, plain_cells(item) if isinstance(item, dict) else no


# --- a folder -----------------------------------------------------------------------------------

FILE_COLUMNS = ("path", "name", "text")


def _folder_rows(folder: Path) -> Rows:
    """Each file as a row: its path, its name, and its text where it is text."""
    paths = files_of(folder)
    if not paths:
        raise bad("batch/no-rows", f"{folder} holds no files.", "Name another folder.")
    rows = Rows(str(folder), FILE_COLUMNS, iter(()), len(paths))
    rows.each = _files(paths, rows)
    return rows


def files_of(folder: Path) -> list[Path]:
    """The files of a folder that are rows, in their order."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))


def _files(paths: list[Path], rows: Rows) -> Iterator[Row]:
    for number, path in enumerate(paths[rows.below :], rows.below):
        yield number, FileCells(path)


class FileCells(dict[str, Any]):
    """The cells of a file; its text is read when it is asked for, and is not kept."""

    def __init__(self, path: Path) -> None:
        super().__init__(path=str(path), name=path.name)
        self._path = path

    def __missing__(self, column: str) -> str:
        if column != "text":
            raise KeyError(column)
        return self._path.read_text(encoding="utf-8-sig")

    def get(self, column: str, default: Any = None) -> Any:
        """A cell, the text of the file among them."""
        return self[column] if column in FILE_COLUMNS else default
