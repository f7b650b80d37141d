"""Records from a file or a value: JSON Lines, a JSON list, or CSV with a header."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.errors import NodeError
from patchbay.nodes.io.files import MEGABYTE
from patchbay.nodes.io.read_file import read_text
from patchbay.nodes.values import FileRef, as_text, describe

Record = dict[str, JsonValue]
LIMIT = 20 * MEGABYTE
"""Bytes that a file of records may have."""

WHAT_FITS = "Give JSON Lines, a JSON list of objects, or CSV with a header line."


def records(given: FileRef | JsonValue, port: str) -> list[Record]:
    """The records that a file, a text or a JSON list holds.

    A text that begins with `{` is JSON Lines, with `[` a JSON list, anything else CSV. Blocks while
    a file is read.

    Raises:
        NodeError: it holds none, with the line where it goes wrong; `port` is named as the place.
    """
    name, value = f'"{port}"', given
    if isinstance(given, FileRef):
        name, value = Path(given.path).name, read_text(given, LIMIT)
    if isinstance(value, str):
        value = _parsed(value, name, port)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _wrong(f"{name} holds {describe(value)} and not a list of records.", port)
    if not value:
        raise _wrong(f"{name} holds no records.", port)
    return [item for item in value if isinstance(item, dict)]


def column(rows: list[Record], field: str, port: str) -> list[str]:
    """One field of every record, as text.

    Raises:
        NodeError: a record lacks it; the message names the record and the fields that it has.
    """
    texts = []
    for number, row in enumerate(rows, 1):
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


def _parsed(text: str, name: str, port: str) -> Any:
    start = text.lstrip()[:1]
    if start == "[":
        return _json(text, f"{name}", port)
    if start == "{":
        lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        return [_json(line, f"Line {number} of {name}", port) for number, line in lines]
    return _csv(text, name, port)


def _json(text: str, place: str, port: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(f"{place} is not JSON: {error}.", port) from error


def _csv(text: str, name: str, port: str) -> list[Record]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    rows: list[Record] = []
    try:
        for row in reader:
            if None in row or None in row.values():
                raise _wrong(
                    f"Line {reader.line_num} of {name} has another number of cells than the "
                    "header line.",
                    port,
                )
            rows.append(dict(row))
    except csv.Error as error:
        raise _wrong(f"Line {reader.line_num} of {name} is not CSV: {error}.", port) from error
    return rows


def _wrong(message: str, port: str) -> NodeError:
    return NodeError(message, fix=WHAT_FITS, port=port, code="records/unreadable", retry=False)
