"""Cases: what goes into a flow, and what should come out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.wording import listed
from patchbay.nodes.io.csv_table import read_table
from patchbay.nodes.strict_json import once_each, parse_json
from patchbay.nodes.values import canonical

EXPECTED = ("expected", "answer", "label", "output")
"""Columns that hold what should come out, where none is named; the first that is there."""
LARGEST = 100_000_000
"""Bytes of a file of cases."""


@dataclass(frozen=True)
class FlowCase:
    """One case: inputs of the flow by name, and what should come out (None where nobody knows)."""

    number: int
    inputs: dict[str, Any]
    expected: Any = None

    @cached_property
    def key(self) -> str:
        """What the flow gets, as a hash; what should come out does not change what it gives."""
        return hashlib.sha256(canonical(self.inputs).encode("utf-8", "replace")).hexdigest()[:24]


ABOUT = ("expected", "from", "rating", "comment")
"""Columns that say something of a case and are no input."""


@dataclass(frozen=True, slots=True)
class CaseTable:
    """Cases, and what of their table a person may have meant otherwise, in sentences."""

    cases: list[FlowCase]
    notes: list[str]


def read_case_table(path: Path, inputs: Sequence[str], expected: str = "") -> CaseTable:
    """The cases of a CSV, a JSON list or JSON Lines.

    Columns that are inputs of the flow go in; others but the expected one are left out. Where the
    flow has one input and the table no column of its name, the first column is taken. An empty cell
    of what should come out says that nobody knows it: such a case is run and not scored.

    Args:
        path: the file.
        inputs: names of the flow's inputs.
        expected: the column of what should come out; found by its name where "".

    Raises:
        FlowError: the file cannot be read, holds no cases, or nothing for the flow.
    """
    rows = read_rows(path)
    if not rows:
        raise _wrong(f"{path} holds no cases.", "Give a header and at least one row.")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    right = expected or next((name for name in EXPECTED if name in columns), "")
    if expected and expected not in columns:
        raise _wrong(
            f'{path} has no column "{expected}"; it has: {", ".join(columns)}.',
            "Name the column of what should come out: --expected NAME.",
        )
    taken = {name: name for name in columns if name in inputs and name != right}
    if not taken and len(inputs) == 1:
        first = next((name for name in columns if name != right), "")
        taken = {first: inputs[0]} if first else {}
    if not taken:
        raise _wrong(
            f"{path} has no column for an input of the flow; it has: {', '.join(columns)}.",
            f"Name columns as the inputs are named: {', '.join(inputs) or '(it has none)'}.",
        )
    cases = [
        FlowCase(
            number,
            {name: row[column] for column, name in taken.items() if row.get(column) is not None},
            _known(row.get(right)) if right else None,
        )
        for number, row in enumerate(rows, 1)
    ]
    return CaseTable(cases, _notes(cases, columns, taken, right))


def _notes(
    cases: Sequence[FlowCase], columns: Sequence[str], taken: Mapping[str, str], right: str
) -> list[str]:
    notes = [
        f'The column "{column}" goes in as "{name}".'
        for column, name in taken.items()
        if column != name and len(set(columns) - {right, *ABOUT}) > 1
    ]
    if left := [name for name in columns if name not in (*taken, right, *ABOUT)]:
        named = listed(left, last="and")
        notes.append(
            f"The column {named} is no input of the flow, and is left out."
            if len(left) == 1
            else f"The columns {named} are no inputs of the flow, and are left out."
        )
    if twice := len(cases) - len({case.key for case in cases}):
        one = "1 case asks" if twice == 1 else f"{twice:,} cases ask"
        notes.append(
            f"{one} the same as an earlier one, and counts once more."
            if twice == 1
            else f"{one} the same as earlier ones, and count once more."
        )
    return notes


def _known(right: Any) -> Any:
    """What should come out; None for a cell that holds nothing: nobody has said it."""
    return None if isinstance(right, str) and not right.strip() else right


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a table in a file, unjudged.

    Raises:
        FlowError: the file cannot be read as one.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise _wrong(f"{path} is too large for a table of cases.", "Split it.")
        return rows_in(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise _wrong(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise _wrong(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from error


def rows_in(text: str, name: str) -> list[dict[str, Any]]:
    """The rows of a table as text: CSV with a header, a JSON list, or JSON Lines.

    Args:
        text: the table.
        name: what it is called in messages.

    Raises:
        FlowError: it is no table.
    """
    start = text.lstrip()[:1]
    try:
        if start == "[":
            found = parse_json(text, once_each)
        elif start == "{":
            found = [parse_json(line, once_each) for line in text.split("\n") if line.strip()]
        else:
            found = [row.cells for row in read_table(text)]
    except ValueError as error:
        raise _wrong(f"{name} cannot be read as a table: {error}.", FORMS) from error
    if not all(isinstance(row, dict) for row in found):
        raise _wrong(f"{name} is no list of objects.", FORMS)
    return list(found)


FORMS = "Give CSV with a header, a JSON list of objects, or JSON Lines."


def _wrong(message: str, fix: str) -> FlowError:
    return FlowError([Problem("experiment/cases", message, fix)])
