"""What can still be read of a damaged history goes into the new one; what is lost is named."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.pages import Pages
from patchbay.flows.runs.row_shapes import RowShapes, is_whole
from patchbay.flows.runs.sizing import count_all

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData, Table

_AT_ONCE = 200
_FAR = 1_000_000
"""So far rows are looked for in a table whose end cannot be seen."""
_NAMED = 10
"""So many of the lost are named; of more it is said how many."""


@dataclass
class Recovered:
    """What was found again. `lost_*` name what is known of and could not be read."""

    runs: int = 0
    threads: int = 0
    unread: int = 0
    """Rows that could not be read, as far as they can be counted."""
    lost_runs: list[str] = field(default_factory=list)
    lost_waiting: list[str] = field(default_factory=list)
    lost_threads: list[str] = field(default_factory=list)

    def words(self) -> str:
        """For the person; "" where nothing was found and nothing is known to be lost."""
        if not (self.runs or self.threads or self.lost_runs or self.lost_threads):
            return ""
        parts = [
            f"What could be read of it is here: {_count(self.runs, 'run')}, "
            f"{_count(self.threads, 'thread')}."
        ]
        lost = {
            "runs": self.lost_runs,
            "runs that waited for an answer": self.lost_waiting,
            "threads": self.lost_threads,
        }
        parts += [f"Lost {what}: {_listed(ids)}." for what, ids in lost.items() if ids]
        if self.unread:
            parts.append(f"{self.unread:,} rows could not be read.")
        return " ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _listed(ids: list[str]) -> str:
    more = len(ids) - _NAMED
    return ", ".join(ids[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def recover(damaged: Path, db: Connection, tables: MetaData) -> Recovered:
    """Copy what can be read of a damaged file into an open, new history.

    First by asking SQLite. Where it comes to a page that it cannot read, all pages are looked
    through besides: what lies behind a page that is destroyed is not reached otherwise.

    Args:
        damaged: the file, as it was moved aside.
        db: the new database, in a transaction.
        tables: the tables of a history.
    """
    copy = _Copy(db, [table for table in tables.sorted_tables if table.name not in _PASSING])
    if not copy.by_asking(damaged):
        copy.by_pages(damaged)
    count_all(db)
    _judge(copy.found, copy.seen)
    return copy.found


_PASSING = ("schema_version", "run_sizes", "leases", "stop_requests")
"""Tables of which nothing is kept: they are counted anew, or told of processes that have ended."""
_NAMES = ("id", "run", "thread", "status")


class _Copy:
    """Brings rows over, each once.

    Args:
        db: where to.
        tables: those of which rows are kept, each behind those that it refers to.
    """

    def __init__(self, db: Connection, tables: list[Table]) -> None:
        self.found = Recovered()
        self.seen: dict[str, list[dict[str, Any]]] = {table.name: [] for table in tables}
        self._db, self._tables = db, tables

    def by_asking(self, damaged: Path) -> bool:
        """Copy what SQLite reads; whether it could read all of it."""
        lost = Lost()
        try:
            with contextlib.closing(_opened(damaged)) as old:
                for table in self._tables:
                    for row in _rows(old, table, lost):
                        self._put(table, row)
        except sqlite3.Error:
            lost.tables += 1
        self.found.unread += lost.rows
        return not (lost.rows or lost.tables)

    def by_pages(self, damaged: Path) -> None:
        """Copy the rows that stand in its pages and are not there yet."""
        shapes, torn, more = RowShapes(self._tables), 0, 0
        for row in Pages(damaged).rows():
            known = None if row is None else shapes.row(*row)
            more += known is not None and self._put(*known)
            torn += row is None
        self.found.unread = max(self.found.unread - more, torn)

    def _put(self, table: Table, row: dict[str, Any]) -> bool:
        """Take a row over, unless it is torn or there already; whether it was."""
        if not is_whole(table.name, row):
            self.found.unread += 1
            return False
        with contextlib.suppress(Exception):  # a row of nonsense costs itself only
            if self._db.exec_driver_sql(*_insertion(table, row)).rowcount > 0:
                self.seen[table.name].append({name: row.get(name) for name in _NAMES})
                return True
        return False


def _opened(path: Path) -> sqlite3.Connection:
    old = sqlite3.connect(f"file:{path.absolute()}?mode=ro", uri=True)
    old.text_factory = lambda data: data.decode("utf-8", "replace")
    return old


def _insertion(table: Table, row: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    text = f'INSERT OR IGNORE INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 - our own names
    return text, tuple(row.values())


@dataclass
class Lost:
    """What SQLite could not read of the tables."""

    rows: int = 0
    tables: int = 0
    """Those of which not even the end could be seen."""


def _rows(old: sqlite3.Connection, table: Table, lost: Lost) -> Iterator[dict[str, Any]]:
    """The rows of a table that can be read, past those that cannot."""
    there = {row[1] for row in old.execute(f'PRAGMA table_info("{table.name}")')}
    names = [column.name for column in table.columns if column.name in there]
    needed = {c.name for c in table.columns if not c.nullable and c.server_default is None}
    if not names or (needed - there and table.name == "runs"):
        return
    columns = ", ".join(f'"{name}"' for name in names)
    query = f'SELECT rowid, {columns} FROM "{table.name}" WHERE rowid > ? ORDER BY rowid LIMIT ?'  # noqa: S608 - our own names
    try:
        last = old.execute(f'SELECT max(rowid) FROM "{table.name}"').fetchone()[0] or 0  # noqa: S608
    except sqlite3.Error:
        lost.tables += 1
        last = None
    at, step = 0, 1
    while at < (_FAR if last is None else last):
        try:
            some = old.execute(query, (at, _AT_ONCE)).fetchall()
        except sqlite3.Error:
            one = _one(old, query, at)
            if one is None:  # what is here cannot be read: look further on, ever further
                lost.rows += 0 if last is None else min(step, last - at)
                at, step = at + step, min(step * 2, 4096)
                continue
            some = one
        step = 1
        if not some:
            return
        for number, *values in some:
            at = number
            yield dict(zip(names, values, strict=True))


def _one(old: sqlite3.Connection, query: str, at: int) -> list[Any] | None:
    try:
        return old.execute(query, (at, 1)).fetchall()
    except sqlite3.Error:
        return None


def _judge(found: Recovered, seen: dict[str, list[dict[str, Any]]]) -> None:
    """What is known of, from rows about it, and is not there itself."""
    runs = {row["id"]: row["status"] for row in seen.get("runs", ())}
    threads = {row["id"] for row in seen.get("threads", ())}
    told = [row for name in ("events", "steps", "turns") for row in seen.get(name, ())]
    asked = {row["run"] for row in seen.get("questions", ())}
    waiting = asked - {row["run"] for row in seen.get("answers", ())}
    found.runs, found.threads = len(runs), len(threads)
    known = {row["run"] for row in told if row["run"]} | asked
    found.lost_runs = sorted(known - runs.keys())
    unasked = {run for run, status in runs.items() if status == "waiting"} - asked
    found.lost_waiting = sorted((waiting - runs.keys()) | unasked)
    of_threads = {r["thread"] for name in ("turns", "thread_runs") for r in seen.get(name, ())}
    found.lost_threads = sorted({t for t in of_threads if t} - threads)
