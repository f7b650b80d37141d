"""Records from a file or a value: JSON Lines, a JSON list, or CSV with a header."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.errors import NodeError
from patchbay.nodes.io.csv_table import BadTable, Delimiter, read_table
from patchbay.nodes.io.read_file import read_text
from patchbay.nodes.strict_json import once_each, parse_json
from patchbay.nodes.units import MEGABYTE
from patchbay.nodes.values import FileRef, as_text, type_in_words

Record = dict[str, JsonValue]
LIMIT = 20 * MEGABYTE
"""Bytes that a file of records may have."""

WHAT_FITS = (
    "Give JSON Lines, a JSON list of objects, or CSV with a header line; how its cells stand apart "
    "can be chosen."
)


def records(given: FileRef | JsonValue, port: str, delimiter: Delimiter = "auto") -> list[Record]:
    """The records that a file, a text or a JSON list holds.

    A text that begins with `{` is JSON Lines, with `[` a JSON list, anything else CSV, whose cells
    stand apart by `delimiter`. Blocks while a file is read.

    Raises:
        NodeError: it holds none, with the line where it goes wrong; `port` is named as the place.
    """
    name, value = f'"{port}"', given
    if isinstance(given, FileRef):
        name, value = Path(given.path).name, read_text(given, LIMIT)
    if isinstance(value, str):
        value = _parsed(value, name, port, delimiter)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _wrong(f"{name} holds {type_in_words(value)} and not a list of records.", port)
    if not value:
        raise _wrong(f"{name} holds no records.", port)
    return [item for item in value if isinstance(item, dict)]


def check_field(rows: Sequence[Record], field: str, port: str) -> None:
    """Check that some record has a field: one that none has is misspelled.

    Raises:
        NodeError: none has; the message names the fields that the first one has.
    """
    if all(row.get(field) is None for row in rows):
        column(list(rows[:1]), field, port)


def column(rows: list[Record], field: str, port: str, first: int = 1) -> list[str]:
    """One field of every record, as text; `first` is the number of the first record.

    Raises:
        NodeError: a record lacks it; the message names the record and the fields that it has.
    """
    texts = []
    for number, row in enumerate(rows, first):
        if row.get(field) is None:
            there = ", ".join(row) or "no fields"
            raise NodeError(
                f'Record {number} of "{port}" has no {field!r}; it has: {there}.',
                fix="Name the field that holds it in the params, or complete the record.",
                port=port,
                code="records/no-field",
                retry=False,
            )
        texts.append(as_text(row[field]))
    return texts


def _parsed(text: str, name: str, port: str, delimiter: Delimiter) -> Any:
    text = text.removeprefix("\ufeff")
    start = text.lstrip()[:1]
    if start == "[":
        return _json(text, f"{name}", port)
    if start == "{":
        # JSON Lines end at "\n" alone: U+2028 and the like may stand unescaped inside a text.
        lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
        return [_json(line, f"Line {number} of {name}", port) for number, line in lines]
    try:
        return [dict[str, JsonValue](row.cells) for row in read_table(text, delimiter)]
    except BadTable as error:
        raise _wrong(f"{name} is not CSV: {error}.", port) from error


def _json(text: str, place: str, port: str) -> Any:
    try:
        return parse_json(text, once_each)
    except ValueError as error:
        raise _wrong(f"{place} is not JSON: {error}.", port) from error


def _wrong(message: str, port: str) -> NodeError:
    return NodeError(message, fix=WHAT_FITS, port=port, code="records/unreadable", retry=False)
