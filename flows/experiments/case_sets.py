"""Sets of cases by name: JSON Lines under the home, one case a line, a column for each input.

`expected` is what should come out; `from`, `rating` and `comment` say where a case is from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbay.flows.experiments.cases import ABOUT, FORMS, read_rows
from patchbay.flows.experiments.keeping import plain_name, unwritable
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.home import home
from patchbay.nodes.private import private_folder

CaseRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CaseSet:
    """A set by its name, and when it was last changed (Unix time in seconds)."""

    name: str
    path: Path
    changed: float


def case_sets_folder() -> Path:
    """Where they lie. It need not exist yet."""
    return home() / "cases"


def case_sets() -> list[CaseSet]:
    """All that are kept, by name; unread."""
    return [CaseSet(path.stem, path, path.stat().st_mtime)
            for path in sorted(case_sets_folder().glob("*.jsonl"))]  # fmt: skip


def case_file(said: str) -> Path:
    """The file of a set's name, or the file itself.

    Raises:
        FlowError: nothing was named.
    """
    if not said:
        raise FlowError([Problem("experiment/cases", "No cases were given.", FORMS)])
    named = _file(plain_name(said))
    given = Path(said).expanduser()
    return named if not given.is_file() and named.is_file() else given


def _file(plain: str) -> Path:
    return case_sets_folder() / f"{plain}.jsonl"


def rows_of(name: str) -> list[CaseRow]:
    """The rows of a set; none where there is no such set.

    Raises:
        FlowError: its file cannot be read.
    """
    path = _file(plain_name(name))
    return read_rows(path) if path.is_file() else []


def save_rows(name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write a set, in the place of what it held.

    Raises:
        FlowError: it has no name, or the disk refuses.
    """
    plain = plain_name(name)
    if not plain:
        raise FlowError([Problem("experiment/cases", "The set has no name.", "Name it.")])
    path = _file(plain)
    lines = [json.dumps(dict(row), ensure_ascii=False) for row in rows]
    try:
        private_folder(path.parent)
        write_atomic(path, "".join(line + "\n" for line in lines).encode("utf-8", "replace"))
    except OSError as error:
        raise unwritable(path.parent, error) from error
    return path


def add_rows(name: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add rows to a set, except those that stand in it; how many were new.

    A row that asks the same as one that is there takes its place: what should come out may have
    become known since. Where it is known only there, it stays.

    Raises:
        FlowError: it cannot be read or written.
    """
    held = {asked_by(row): row for row in rows_of(name)}
    before = dict(held)
    for row in rows:
        asked = asked_by(row)
        known = held.get(asked, {})
        stays = {} if row.get("expected") not in (None, "") else _right_of(known)
        held[asked] = {**row, **stays}
    save_rows(name, list(held.values()))
    return sum(key not in before for key in held)


def _right_of(row: Mapping[str, Any]) -> CaseRow:
    """What should come out, and where that is from; empty where nobody knows."""
    if row.get("expected") in (None, ""):
        return {}
    return {name: row[name] for name in ("expected", "from") if name in row}


def asked_by(row: Mapping[str, Any]) -> str:
    """What a case asks, as text: rows of which it is the same are one case."""
    inputs = {name: value for name, value in row.items() if name not in ABOUT}
    return json.dumps(inputs, sort_keys=True, ensure_ascii=True)
