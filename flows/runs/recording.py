"""One run on its way into the history: events and steps as rows, the run's own row kept true."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, assert_never

from patchbay.flows.blackout import EVERYWHERE
from patchbay.flows.runs.events import (
    Event,
    NodeAnswered,
    NodeAsked,
    NodeFinished,
    RunCancelled,
    RunEnd,
    RunFailed,
    RunFinished,
    RunStarted,
    RunWaiting,
    as_json,
)
from patchbay.flows.runs.journal import StepPlace, StepRecord
from patchbay.flows.runs.writer import Work, Writer, WrittenRow
from patchbay.nodes.values import encode

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from patchbay.flows.runs.leases import Leases
    from patchbay.flows.runs.said_before import SaidBefore
    from patchbay.flows.runs.store import Store

OF_THE_DESK = (NodeAsked, NodeAnswered, RunWaiting)
"""Events that are recorded where they come to be, together with what they say (`inbox.py`)."""

Ending = Callable[[Any, RunEnd], None]
"""Takes the open database and how the run ended."""


class Recording:
    """Where the journal of one run is written: the history.

    Args:
        store: the database.
        writer: its thread.
        leases: says that this process lives.
        columns: what the run's row says from the start.
        ending: works on the database in the transaction that records how the run ended.
        said: what was said before in the thread of the run.
        origin: the row that says where the run comes from.
    """

    def __init__(
        self,
        store: Store,
        writer: Writer,
        leases: Leases,
        columns: Mapping[str, Any],
        ending: Ending | None = None,
        said: SaidBefore | None = None,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        self._store, self._writer, self._columns = store, writer, columns
        self._leases = leases
        self._ending, self._said, self._origin = ending, said, origin
        self._run = str(columns["id"])
        self._begun: RunStarted | None = None
        self._generation = store.generation
        self._refused: BaseException | None = None
        self._stop: Callable[[], None] | None = None
        self._ended = False
        self._to_begin, self._to_fail = self._begin_again, self._failed

    def hear_stop(self, stop: Callable[[], None]) -> None:
        """Call this when another process wants the run to stop."""
        self._stop = stop

    def ended(self) -> None:
        """Its end is written already, by whoever stopped it: write no other."""
        self._ended = True

    def event(self, event: Event) -> None:
        """Write an event. The beginning and the end of a run are waited for."""
        self._complain()
        if isinstance(event, RunEnd):
            self._writer.watch(self._run, None)
        if isinstance(event, OF_THE_DESK) or self._ended:
            return
        data = as_json(event)
        if self._said is not None and isinstance(event, NodeFinished):
            data = self._said.shortened(data)
        text = _dump(data)
        row = self._run, event.type, data.get("node"), text
        if isinstance(event, RunStarted):
            self._begun = event
            self._writer.put_and_wait(Work(change=self._begin), self._row("events", row))
            if self._stop is not None:
                self._writer.watch(self._run, self._stop)
        elif isinstance(event, RunEnd):
            self._writer.put_and_wait(
                self._row("events", row), Work(change=lambda db: self._end(db, event))
            )
        else:
            self._writer.put_row("events", row, self._to_begin, self._to_fail)

    def step(self, record: StepRecord, *, instead: bool, waits: bool) -> Awaitable[None] | None:
        """Write a step."""
        if instead:
            self._writer.put(Work(change=self._deletion(record.node, [record.place])))
        row = self._run, *record
        if not waits:
            self._writer.put_row("steps", row, self._to_begin, self._to_fail)
            return None
        work = self._row("steps", row)
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[None] = loop.create_future()

        def settle(error: BaseException | None) -> None:
            # A step that could not be written is made all the same; the next event says it.
            self._refused = self._refused or error
            if not committed.done():
                committed.set_result(None)

        work.done = lambda error: _on(loop, settle, error)
        self._writer.put(work)
        return committed

    def forget(self, node: str, places: Iterable[StepPlace]) -> None:
        """Delete steps of a node."""
        self._writer.put(Work(change=self._deletion(node, list(places))))

    def settle(self) -> None:
        """Wait until all is on the disk."""
        self._complain()
        self._writer.put_and_wait()
        self._complain()

    # --- rows -------------------------------------------------------------------------------

    def _complain(self) -> None:
        if self._refused is not None:
            refused, self._refused = self._refused, None
            raise refused

    def _failed(self, error: BaseException | None) -> None:
        self._refused = self._refused or error

    def _row(self, table: str, row: WrittenRow) -> Work:
        return Work(table, [row], None, self._to_begin, self._to_fail)

    def _deletion(self, node: str, places: list[StepPlace]) -> Any:
        steps = self._store.table("steps")

        def delete(db: Connection) -> None:
            of_node = steps.delete().where(steps.c.run == self._run, steps.c.node == node)
            for lane, count in places:
                db.execute(of_node.where(steps.c.lane == lane, steps.c.count == count))

        return delete

    def _begin_again(self, db: Connection) -> None:
        """Begin in a new file, where the old one was damaged."""
        if self._store.generation != self._generation:
            self._generation = self._store.generation
            self._begin(db)

    def _begin(self, db: Connection) -> None:
        if self._begun is None:
            return
        self._leases.take(db)
        runs, wishes = self._store.table("runs"), self._store.table("stop_requests")
        db.execute(wishes.delete().where(wishes.c.run == self._run))  # of an earlier life
        inputs = _dump(encode(self._begun.inputs))
        values = {**self._columns, "status": "running", "inputs": inputs}
        values["flow"] = EVERYWHERE.text(values["flow"])
        again = db.execute(runs.update().where(runs.c.id == self._run).values(**values)).rowcount
        if not again:
            db.execute(runs.insert().values(**values, started_at=self._begun.at))
        origins = self._store.table("run_origins")
        known = origins.select().where(origins.c.run == self._run)
        if self._origin is not None and db.execute(known).first() is None:
            db.execute(origins.insert().values(**self._origin))

    def _end(self, db: Connection, event: RunEnd) -> None:
        runs = self._store.table("runs")
        mine = (runs.c.id == self._run, runs.c.process == self._columns["process"])
        ended = db.execute(runs.update().where(*mine).values(**_ending(event))).rowcount
        if isinstance(event, RunFinished):  # it is not gone on with, and its events have them
            origins = self._store.table("run_origins")
            db.execute(origins.update().where(origins.c.run == self._run).values(pins=None))
        if ended and self._ending is not None:  # else another host has taken it for gone
            self._ending(db, event)


def _on(loop: asyncio.AbstractEventLoop, settle: Any, error: BaseException | None) -> None:
    try:
        loop.call_soon_threadsafe(settle, error)
    except RuntimeError:
        return  # the loop has closed: nobody waits any more


def _ending(event: RunEnd) -> dict[str, Any]:
    """How the end of a run changes its row."""
    match event:
        case RunFinished():
            more: dict[str, Any] = {"status": "finished", "outputs": _dump(encode(event.outputs))}
        case RunFailed():
            more = {"status": "failed", "problem": _dump(event.problem.as_dict())}
        case RunCancelled():
            more = {"status": "cancelled"}
        case RunWaiting():
            more = {"status": "waiting"}
        case _:
            assert_never(event)
    return {**more, "seconds": event.seconds, "tokens": event.tokens.total}


def _dump(data: Any) -> str:
    return json.dumps(data, ensure_ascii=True)
