"""Events of a run, some at a time: a run of 100,000 is looked at without reading them all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.said_before import SAID, whole
from patchbay.flows.runs.tables import OF_NODES

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History

PAGE = 500
"""Events that are read at a time."""


def pages(history: History, run: str) -> Iterator[dict[str, Any]]:
    """All events of a run in order; whoever stops early has not read the rest."""
    after = 0
    while found := page(history, run, after=after):
        yield from (event for _, event in found)
        after = found[-1][0]


def page(
    history: History,
    run: str,
    *,
    after: int | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> list[tuple[int, dict[str, Any]]]:
    """Some events of a run in order, each with its number in the history.

    Args:
        history: where it is recorded.
        run: its id.
        after: those that follow this number; unless given, the last ones.
        before: the last ones before this number.
        limit: how many at most.
    """
    table = history.table("events")
    query = table.select().where(table.c.run == run).limit(limit)
    if before is not None:
        query = query.where(table.c.number < before)
    if after is not None:
        query = query.where(table.c.number > after).order_by(table.c.number)
    else:
        query = query.order_by(table.c.number.desc())

    def read(db: Any) -> list[tuple[int, dict[str, Any]]]:
        rows = db.execute(query).fetchall()
        events = whole(db, history.store, (json.loads(row.data) for row in rows))
        return [(row.number, event) for row, event in zip(rows, events, strict=True)]

    found: list[tuple[int, dict[str, Any]]] = history.read(read)
    return found if after is not None else found[::-1]


def count(history: History, run: str) -> int:
    """How many events a run has, as counted when they were written."""
    table = history.table("run_sizes")
    query = table.select().with_only_columns(table.c.events).where(table.c.run == run)
    return int(history.read(lambda db: db.execute(query).scalar()) or 0)


def latest_of_nodes(history: History, run: str, before: int) -> list[dict[str, Any]]:
    """The last event of each node before a number, of those that say what the node is doing.

    Nodes inside of others are none of the run's own. What they gave is left out.
    """
    import sqlalchemy as sa

    table = history.table("events")
    # Plus 0, or SQLite walks through all events of the run up to that number.
    of_nodes = (table.c.run == run, table.c.number + 0 < before, sa.text(OF_NODES))
    last = sa.select(sa.func.max(table.c.number)).where(*of_nodes).group_by(table.c.node)
    query = table.select().where(table.c.number.in_(last)).order_by(table.c.number)
    events = (
        json.loads(text)
        for text in history.read(
            lambda db: list(db.execute(query.with_only_columns(table.c.data)).scalars())
        )
    )
    return [{name: event[name] for name in event.keys() - {"outputs", SAID}} for event in events]
