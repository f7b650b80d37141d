"""What can still be read of a damaged history goes into the new one; what is lost is named."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.sizing import count_all

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData, Table

_AT_ONCE = 200
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

    Args:
        damaged: the file, as it was moved aside.
        db: the new database, in a transaction.
        tables: the tables of a history.
    """
    found = Recovered()
    seen: dict[str, list[dict[str, Any]]] = {}
    with contextlib.suppress(sqlite3.Error), contextlib.closing(_opened(damaged)) as old:
        for table in tables.sorted_tables:
            if table.name in ("schema_version", "run_sizes", "stop_requests"):
                continue
            seen[table.name] = []
            for row in _rows(old, table, found):
                seen[table.name].append({name: row.get(name) for name in _NAMES})
                with contextlib.suppress(Exception):  # a row of nonsense costs itself only
                    db.exec_driver_sql(*_insertion(table, row))
    count_all(db)
    _judge(found, seen)
    return found


_NAMES = ("id", "run", "thread", "status")


def _opened(path: Path) -> sqlite3.Connection:
    old = sqlite3.connect(f"file:{path.absolute()}?mode=ro", uri=True)
    old.text_factory = lambda data: data.decode("utf-8", "replace")
    return old


def _insertion(table: Table, row: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    text = f'INSERT OR IGNORE INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 - our own names
    return text, tuple(row.values())


def _rows(old: sqlite3.Connection, table: Table, found: Recovered) -> Iterator[dict[str, Any]]:
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
        last = 1_000_000
    at, step = 0, 1
    while at < last:
        try:
            some = old.execute(query, (at, _AT_ONCE)).fetchall()
        except sqlite3.Error:
            one = _one(old, query, at)
            if one is None:  # what is here cannot be read: look further on, ever further
                found.unread += min(step, last - at)
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
