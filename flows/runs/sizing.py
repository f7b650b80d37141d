"""How large each run is: counted as it is written, so that a list of runs reads none of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.journal import StepRecord

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

COLUMNS = {"events": ("run", "type", "node", "data"), "steps": ("run", *StepRecord._fields)}
"""The tables that have many rows, and what their rows say, in this order."""

COUNTED = {"events": COLUMNS["events"].index("data"), "steps": COLUMNS["steps"].index("value")}
"""Where in a row of theirs most of it stands."""

_ADD = (
    "INSERT INTO run_sizes (run, bytes, events) VALUES (?, ?, ?) ON CONFLICT (run) DO UPDATE "
    "SET bytes = bytes + excluded.bytes, events = events + excluded.events"
)
_FILL = (
    "INSERT INTO run_sizes (run, bytes, events) SELECT runs.id, "
    "(SELECT coalesce(sum(length(data)), 0) FROM events WHERE events.run = runs.id) + "
    "(SELECT coalesce(sum(length(value)), 0) FROM steps WHERE steps.run = runs.id), "
    "(SELECT count(*) FROM events WHERE events.run = runs.id) FROM runs "
    "WHERE runs.id NOT IN (SELECT run FROM run_sizes)"
)


def add(db: Connection, table: Table, run: str, size: int, events: int = 0) -> None:
    """Count more for a run.

    Args:
        db: in a transaction.
        table: `run_sizes`.
        run: its id.
        size: bytes that have come.
        events: how many of what came are events.
    """
    if db.dialect.name == "sqlite":
        db.exec_driver_sql(_ADD, (run, size, events))
        return
    more = {"bytes": table.c.bytes + size, "events": table.c.events + events}
    if not db.execute(table.update().where(table.c.run == run).values(**more)).rowcount:
        db.execute(table.insert().values(run=run, bytes=size, events=events))


def add_event(
    db: Connection, events: Table, sizes: Table, run: str, data: Mapping[str, Any]
) -> None:
    """Write an event of a run that no recording writes, and count it.

    Args:
        db: in a transaction.
        events: the table of events.
        sizes: `run_sizes`.
        run: its id.
        data: the event as JSON.
    """
    text = json.dumps(data, ensure_ascii=True)
    row = {"run": run, "type": data["type"], "node": data.get("node"), "data": text}
    db.execute(events.insert().values(**row))
    add(db, sizes, run, len(text), 1)


def count_rows(db: Connection, table: Table, rows: Iterable[tuple[str, Sequence[Any]]]) -> None:
    """Count rows that are being written, each with the table that they go to."""
    found: dict[str, list[int]] = {}
    for name, some in rows:
        if (at := COUNTED.get(name)) is None:
            continue
        for row in some:
            counts = found.setdefault(row[0], [0, 0])
            counts[0] += len(row[at])
            counts[1] += name == "events"
    for run, (size, events) in found.items():
        add(db, table, run, size, events)


def count_all(db: Connection) -> None:
    """Count the runs that nobody has counted, by reading them once."""
    db.exec_driver_sql(_FILL)
