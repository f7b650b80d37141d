"""Tables in text: CSV with a header line. One reader for all nodes.

RFC 4180, and what spreadsheets make of it: other delimiters, any line ends, cells of any length,
and Excel's first line `sep=;`.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

Delimiter: TypeAlias = Literal["auto", ",", ";", "tab", "|"]
"""What stands between two cells; `auto` finds it."""

_SIGNS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_TOLD = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


class BadTable(ValueError):  # noqa: N818 - it is told to a person as it is
    """A text that is no table; the message names the line, where there is one."""


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: its cells by column, and the line of the file that it ends on, from 1."""

    cells: dict[str, str]
    line: int


def read_table(text: str, delimiter: Delimiter = "auto") -> list[CsvRow]:
    """The rows below the header line. Empty lines are none.

    Args:
        text: what the file holds.
        delimiter: what stands between cells. `auto` takes the one sign by which every row gets as
            many cells as the header; where no sign is right it is told what is wrong with the best.

    Raises:
        BadTable: rows of another length than the header, two columns of one name, a quote that does
            not end, or a text that two delimiters would split equally well.
    """
    text = text.removeprefix("\ufeff")
    if told := _TOLD.match(text):
        text = text[told.end() :]
        lines_above, sign = 1, told[1] if delimiter == "auto" else _sign(delimiter)
    else:
        lines_above, sign = 0, _found(text) if delimiter == "auto" else _sign(delimiter)
    rows = _rows(text, sign, lines_above)
    header = next(rows, None)
    if header is None:
        return []
    names = _names(header[1], header[0])
    return [CsvRow(dict(zip(names, _fitting(cells, names, line), strict=True)), line)
            for line, cells in rows]  # fmt: skip


SAMPLE = 200
"""Lines by which the delimiter of a long table is found."""


class OpenTable(NamedTuple):
    """A table of any length whose header has been read."""

    columns: list[str]
    rows: Iterator[dict[str, str] | BadTable]
    sign: str
    """What stands between two cells."""
    lines_above: int
    """Of the header: 1 where Excel's `sep=;` stands there."""


def _none_above() -> int:
    return 0


def stream_table(
    lines: Iterable[str], delimiter: Delimiter = "auto", above: Callable[[], int] = _none_above
) -> OpenTable:
    """The names of the columns, and the cells of every row, of a table of any length.

    A row of another length than the header, or with a quote that does not end, is given as the
    `BadTable` that says so, and the next one follows. The delimiter is found in the first lines.
    So many rows as `above` says, when the first one is asked for, are passed over.

    Raises:
        BadTable: there is no header, it cannot be read, or it has two columns of one name.
    """
    source = iter(lines)
    first = list(itertools.islice(source, SAMPLE))
    if first and (told := _TOLD.match(first[0])):
        sign, lines_above, first = told[1], 1, first[1:]
    else:
        sign = _found("".join(first)) if delimiter == "auto" else _sign(delimiter)
        lines_above = 0
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a row is in memory whole anyway
    reader = csv.reader(itertools.chain(first, source), delimiter=sign, strict=True)
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise _broken(1 + lines_above, reader.line_num + lines_above, error) from error
    if header is None:
        raise BadTable("it has no header")
    names = _names(header, reader.line_num + lines_above)
    rows = _streamed(reader, names, lines_above, above)
    return OpenTable(names, rows, sign, lines_above)


def _pass_over(reader: Any, count: int) -> None:
    """Go behind so many rows, broken ones among them."""
    while count:
        try:
            for cells in reader:
                if cells:
                    count -= 1
                    if not count:
                        return
            return
        except csv.Error:
            count -= 1


def _streamed(
    reader: Any, names: list[str], above: int, passed: Callable[[], int]
) -> Iterator[dict[str, str] | BadTable]:
    _pass_over(reader, passed())
    while True:
        begins = reader.line_num + above + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:  # the reader goes on with the next line
            yield _broken(begins, reader.line_num + above, error)
            continue
        if cells is None:
            return
        if len(cells) == len(names):
            yield dict(zip(names, cells, strict=True))
        elif cells:
            line = reader.line_num + above
            yield BadTable(
                f"line {line} has another number of cells ({len(cells)}) than the header line "
                f"({len(names)})"
            )


def _broken(begins: int, ends: int, error: csv.Error) -> BadTable:
    """What is told of a row that the reader gave up: an open quote takes all that follows it."""
    lines = f"line {begins}" if begins == ends else f"lines {begins:,} to {ends:,}"
    return BadTable(f"{lines}: {error}")


def _sign(delimiter: Delimiter) -> str:
    return "\t" if delimiter == "tab" else delimiter


def _rows(text: str, sign: str, lines_above: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of the line on which it ends."""
    # The limit is there for the reader's caller: ours has read the whole text already.
    if csv.field_size_limit() <= len(text):
        csv.field_size_limit(len(text) + 1)
    # Without newline="" a file whose lines end with CR alone would be one line.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True)
    begins = lines_above + 1
    try:
        for cells in reader:
            begins = reader.line_num + lines_above + 1
            if cells:
                yield reader.line_num + lines_above, cells
    except csv.Error as error:
        raise _broken(begins, reader.line_num + lines_above, error) from error


def _names(header: list[str], line: int) -> list[str]:
    """The names of the columns. One without gets its number: spreadsheets and pandas leave out
    the name of the first, or end each line with a delimiter."""
    given = [name.strip() for name in header]
    names = [name or f"column_{number}" for number, name in enumerate(given, 1)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        listed = ", ".join(map(repr, twice))
        raise BadTable(f"the header in line {line} has more than one column {listed}")
    return names


def _fitting(cells: list[str], names: list[str], line: int) -> list[str]:
    if len(cells) != len(names):
        raise BadTable(
            f"line {line} has another number of cells ({len(cells)}) than the header line "
            f"({len(names)})"
        )
    return cells


# --- which delimiter ----------------------------------------------------------------------------


def _found(text: str) -> str:
    """The sign that splits every row into as many cells as the header.

    `csv.Sniffer` is not asked: it takes letters for delimiters.
    """
    scored = [(_fit(text, sign), sign) for sign in _SIGNS]
    best = max(fit for fit, _ in scored)
    signs = [sign for fit, sign in scored if fit == best]
    whole, columns = best
    if columns > 1 and whole == 1.0 and len(signs) > 1:
        named = " and ".join(_SIGNS[sign] for sign in signs)
        raise BadTable(f"{named} would both split it into {columns} columns; choose the delimiter")
    return signs[0]


def _fit(text: str, sign: str) -> tuple[float, int]:
    """The share of rows that are as long as the header, and how many columns that are.

    A sign that the header does not hold is worth nothing.
    """
    good = total = columns = 0
    try:
        for _, cells in _rows(text, sign):
            columns = columns or len(cells)
            total += 1
            good += len(cells) == columns
    except BadTable:
        total += 1
        # Nor is the header readable: what would split it is told of, not taken for one column.
        columns = columns or text.partition("\n")[0].count(sign) + 1
        if not good:
            return 0.0, columns
    return (good / total, columns) if columns > 1 else (0.0, columns)
