"""Past runs: their flow, inputs, events and values, in SQLite or any database SQLAlchemy speaks.

Steps are committed before the run goes on, events a moment later, so that a killed process loses
nothing that must not happen twice.
Opened only when asked for: importing SQLAlchemy alone takes longer than a trivial run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

from patchbay.flows.blackout import EVERYWHERE
from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_text
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.environment import Stored
from patchbay.flows.runs.inbox import Inbox
from patchbay.flows.runs.journal import Journal, StepRecord
from patchbay.flows.runs.leases import Leases, this_process
from patchbay.flows.runs.origins import Origin
from patchbay.flows.runs.recording import Ending, Recording
from patchbay.flows.runs.said_before import SaidBefore, whole
from patchbay.flows.runs.store import MIGRATIONS, Migration, Store
from patchbay.flows.runs.writer import Writer
from patchbay.nodes.values import Value, decode, encode

CELL = "-cell"
"""How the ids of runs end that experiments make: too many to be listed among the others."""
Status = Literal["running", "waiting", "finished", "failed", "cancelled", "interrupted"]


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run as recorded. Times are Unix times in seconds; values are in their stored form."""

    id: str
    name: str
    status: Status
    started_at: float
    seconds: float
    tokens: int
    document: str
    folder: Path | None
    only: tuple[str, ...]
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    problem: dict[str, Any] | None

    @property
    def flow(self) -> Flow:
        """The flow as it was when it ran.

        Raises:
            FlowError: it was written by a Patchbay that this one does not understand.
        """
        return read_text(self.document)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a run was before a process made it its own: its status there, and whose it was."""

    status: str
    process: str


class History:
    """The store of past runs.

    Args:
        url: a SQLAlchemy URL; a SQLite file under the home folder unless given.
        migrations: the upgrades of older schemas.

    Raises:
        FlowError: the disk refuses, or a newer Patchbay wrote the file. A file that is damaged is
            moved aside, and `notice` says so; so it goes with every method.
    """

    def __init__(
        self, url: str | None = None, migrations: Mapping[int, Migration] = MIGRATIONS
    ) -> None:
        self._store = Store(url, migrations)
        self.leases = Leases(self._store)
        """Which of those processes live that have runs."""
        self._writer = Writer(self._store, self.leases)
        self._runs, self._events = self._store.table("runs"), self._store.table("events")
        self.inbox = Inbox(self._store, self.leases)
        """The questions of all runs."""

    @property
    def notice(self) -> str:
        """What happened to the file that the person should know; "" for nothing."""
        return self._store.notice

    @property
    def store(self) -> Store:
        """The open database, for what is kept with the runs."""
        return self._store

    def recorder(
        self,
        run: str,
        flow: Flow,
        folder: Path | None = None,
        only: tuple[str, ...] = (),
        ending: Ending | None = None,
        document: str | None = None,
        said: SaidBefore | None = None,
        origin: Origin | None = None,
    ) -> Journal:
        """The journal of the run with this id: a sink of its events, which keeps steps as well.

        A resumed run goes on under its id; `resumed_run` loads what it had done. `ending` works on
        the database in the transaction that records how the run ended. `document` is the text of
        the flow, where it is known already. `said` is what was said before, in a thread.
        `origin` is where the run comes from, where that is known.
        """
        columns = {
            "id": run,
            "name": flow.name,
            "process": this_process(),
            "flow": canonical_text(flow) if document is None else document,
            "folder": str(folder) if folder else None,
            "only": json.dumps(only),
        }
        came = None if origin is None else origin.row(run)
        log = Recording(self._store, self._writer, self.leases, columns, ending, said, came)
        return Journal(run, log)

    def announce(
        self, run: str, flow: Flow, folder: Path | None, inputs: Mapping[str, Any]
    ) -> None:
        """Keep a run that waits for its turn, so that it is not lost if this process is killed."""
        row = {
            "id": run,
            "name": flow.name,
            "process": this_process(),
            "flow": EVERYWHERE.text(canonical_text(flow)),
            "folder": str(folder) if folder else None,
            "only": "[]",
            "status": "running",
            "inputs": json.dumps(encode(dict(inputs)), ensure_ascii=True),
            "started_at": time.time(),
        }

        def put(db: Any) -> None:
            self.leases.take(db)
            db.execute(self._runs.insert().values(**row))

        self._store.do(put, write=True)
        self._writer.begin()

    def steps(self, run: str, node: str | None = None) -> list[StepRecord]:
        """The steps of a run in the order of their making: of one node, or all of those that are
        still of use, which are the steps of nodes that have not finished."""
        from sqlalchemy import select

        table, events = self._store.table("steps"), self._events
        query = table.select().where(table.c.run == run).order_by(table.c.number)
        if node is not None:
            query = query.where(table.c.node == node)
        else:
            of_run = (events.c.run == run, events.c.type == "node_finished")
            query = query.where(table.c.node.not_in(select(events.c.node).where(*of_run)))
        names = StepRecord._fields
        return self._store.do(
            lambda db: [
                StepRecord(**{name: getattr(row, name) for name in names})
                for row in db.execute(query)
            ]
        )

    def runs(self, limit: int = 100) -> list[PastRun]:
        """The latest runs, newest first, without those of experiments: these are found there."""
        query = self._runs.select().where(self._runs.c.id.not_like(f"%{CELL}"))
        return self._found(query.order_by(self._runs.c.started_at.desc()).limit(limit))

    def get(self, run: str) -> PastRun:
        """One run.

        Raises:
            FlowError: there is none with this id.
        """
        query = self._runs.select().where(self._runs.c.id == run)
        if not (found := self._found(query)):
            recent = ", ".join(past.id for past in self.runs(5)) or "none recorded yet"
            problem = Problem(
                "history/unknown-run", f'There is no run "{run}".', f"The latest are: {recent}."
            )
            raise FlowError([problem])
        return found[0]

    def _found(self, query: Any) -> list[PastRun]:
        def read(db: Any) -> list[PastRun]:
            lives = cache(partial(self.leases.live, db))
            return [_past_run(row._mapping, lives) for row in db.execute(query).fetchall()]

        return self._store.do(read)

    def events(self, run: str, kind: str | None = None) -> list[dict[str, Any]]:
        """The recorded events of a run in their JSON form, in order: all, or those of a type."""
        table = self._events
        query = table.select().where(table.c.run == run).order_by(table.c.number)
        if kind is not None:
            query = query.where(table.c.type == kind)
        return self._store.do(
            lambda db: whole(db, self._store, (json.loads(row.data) for row in db.execute(query)))
        )

    def stored(self, run: str, types: Mapping[str, type[Value]] | None = None) -> dict[str, Stored]:
        """What the nodes of a run have given so far, by path, for resuming it."""
        return {
            event["node"]: Stored(event["key"], outputs)
            for event in self.events(run, "node_finished")
            if (outputs := _decoded(event["outputs"], types)) is not None
        }

    def claim(self, run: str) -> Claim | None:
        """Make a run that has stopped or sleeps this process's own; None where another was quicker,
        or it has finished."""
        runs = self._runs

        def take(db: Any) -> Claim | None:
            known = runs.select().with_only_columns(runs.c.status, runs.c.process)
            row = db.execute(known.where(runs.c.id == run)).first()
            if row is None or row.status == "finished":
                return None
            if row.status == "running" and self.leases.live(db, row.process):
                return None
            self.leases.take(db)
            as_seen = (runs.c.status == row.status, runs.c.process == row.process)
            mine = {"status": "running", "process": this_process()}
            changed = db.execute(runs.update().where(runs.c.id == run, *as_seen).values(**mine))
            return Claim(row.status, row.process) if changed.rowcount else None

        return self._store.do(take, write=True)

    def give_back(self, run: str, claim: Claim) -> None:
        """Leave a run that was claimed, and could not go on, as it was."""
        runs = self._runs
        mine = (runs.c.id == run, runs.c.status == "running", runs.c.process == this_process())
        change = runs.update().where(*mine)
        answers = self._store.table("answers")
        unheard = answers.update().where(answers.c.run == run).values(heard=False)

        def leave(db: Any) -> None:
            db.execute(change.values(status=claim.status, process=claim.process))
            db.execute(unheard)  # whoever goes on with it is told of them

        self._store.do(leave, write=True)

    @property
    def size(self) -> int | None:
        """Bytes that the file of the history takes; None for a database elsewhere."""
        return self._store.size()

    def before(self, time: float) -> list[PastRun]:
        """All runs that began before a time (Unix, in seconds)."""
        return self._found(self._runs.select().where(self._runs.c.started_at < time))

    def of_threads(self) -> set[str]:
        """The ids of the runs that belong to threads."""
        from sqlalchemy import select

        query = select(self._store.table("thread_runs").c.run)
        return self._store.do(lambda db: set(db.execute(query).scalars()))

    def table(self, name: str) -> Any:
        """A table of the history, for whoever reads it in a way of his own."""
        return self._store.table(name)

    def read(self, work: Any) -> Any:
        """Read in a transaction: `work` gets the open database."""
        return self._store.do(work)

    def compact(self) -> None:
        """Give the room of what was deleted back to the disk."""
        self._store.compact()

    def delete(self, *runs: str) -> None:
        """Forget runs."""

        def forget(db: Any) -> None:
            for run in runs:
                self.forget(db, run)

        self._store.erase(forget)

    def forget(self, db: Any, run: str) -> None:
        """Delete a run in a transaction of somebody else's."""
        for name in ("events", "steps", "answers", "questions", "run_sizes", "run_origins",
                     "stop_requests"):  # fmt: skip
            table = self._store.table(name)
            db.execute(table.delete().where(table.c.run == run))
        db.execute(self._runs.delete().where(self._runs.c.id == run))

    def settle(self) -> None:
        """Wait until all that was recorded is on the disk."""
        self._writer.put_and_wait()

    def close(self) -> None:
        """Write what there is, and close the database."""
        self._writer.close()
        self.leases.end()
        self._store.close()


def resumable(past: PastRun) -> None:
    """Check that a run may be resumed.

    Raises:
        FlowError: it has ended well, or another process is still at it.
    """
    if past.status == "finished":
        problem = Problem(
            "history/finished",
            f'The run "{past.id}" has finished; there is nothing to resume.',
            "Run the flow again instead.",
        )
        raise FlowError([problem])
    if past.status == "running":
        raise at_work(past.id)


def at_work(run: str) -> FlowError:
    """Another process has the run."""
    message = f'The run "{run}" is still running in another process.'
    return FlowError([Problem("history/running", message, "Wait for it, or stop it first.")])


def _past_run(row: Mapping[Any, Any], lives: Callable[[str], bool]) -> PastRun:
    status: Status = row["status"]
    if status == "running" and not lives(row["process"]):
        status = "interrupted"
    return PastRun(
        id=row["id"],
        name=row["name"],
        status=status,
        started_at=row["started_at"],
        seconds=row["seconds"],
        tokens=row["tokens"],
        document=row["flow"],
        folder=Path(row["folder"]) if row["folder"] else None,
        only=tuple(json.loads(row["only"])),
        inputs=json.loads(row["inputs"]),
        outputs=json.loads(row["outputs"]),
        problem=json.loads(row["problem"]) if row["problem"] else None,
    )


def _decoded(
    outputs: Mapping[str, Any], types: Mapping[str, type[Value]] | None
) -> dict[str, Any] | None:
    try:
        return {name: decode(value, types) for name, value in outputs.items()}
    except ValueError:
        return None  # of a node that is no longer installed: it will have to run again
