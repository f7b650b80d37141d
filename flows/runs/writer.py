"""Writes the history in groups: one thread, one transaction for all that came meanwhile.

What nobody waits for is committed a moment later, with what else came. What somebody waits for (a
step, the beginning and the end of a run) is committed at once and is on the disk when it is done:
`synchronous = FULL` in SQLite, `synchronous_commit` in PostgreSQL.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.leases import AGAIN_S as RENEW_S
from patchbay.flows.runs.leases import this_process
from patchbay.flows.runs.sizing import COLUMNS, count_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from patchbay.flows.runs.leases import Leases
    from patchbay.flows.runs.store import Store

MOMENT_S = 0.03
"""How long what nobody waits for is gathered, in seconds."""

LOOK_S = 0.5
"""How often it is looked whether somebody elsewhere wants a run to stop, in seconds."""

AT_ONCE = 256
"""Rows in one statement, where there are so many."""

FEWER = 32
"""Rows in one statement, of what is left. What is left then is written in one, too."""

WrittenRow = tuple[Any, ...] | Mapping[str, Any]
"""A row: of a table in `COLUMNS` the bare values, of any other by the names of its columns."""

Beginning = Callable[["Connection"], None]
"""Comes before all of a group that is written."""
Done = Callable[[BaseException | None], None]
"""Told, on the writing thread, that something is on the disk, or why it is not."""


@dataclass(slots=True)
class Work:
    """Something to write: rows of a table, or any change.

    `begin` comes before all of the group, in which it may stand many times. `failed` hears of what
    the disk refused, `done` of either end, on behalf of somebody who waits.
    """

    table: str = ""
    rows: list[WrittenRow] | None = None
    change: Callable[[Connection], None] | None = None
    begin: Beginning | None = None
    failed: Done | None = None
    done: Done | None = None


class Writer:
    """The thread that writes. It begins with the first thing to write.

    Args:
        store: where to.
        leases: renewed meanwhile.
    """

    def __init__(self, store: Store, leases: Leases) -> None:
        self._store, self._leases = store, leases
        self._news = threading.Condition()
        self._pending: list[Work] = []
        self._waited = 0
        self._thread: threading.Thread | None = None
        self._closed = False
        self._written = 0.0
        self._watched: dict[str, Callable[[], None]] = {}
        self._looked = 0.0
        atexit.register(_end, weakref.ref(self))

    def put(self, *works: Work) -> None:
        """Write this, in this order, with what else there is."""
        with self._news:
            first = not self._pending
            waited = 0
            for work in works:
                self._pending.append(work)
                waited += work.done is not None
            self._waited += waited
            if self._starts():
                return
            if first or waited:
                self._news.notify()

    def begin(self) -> None:
        """Begin the thread: this process has a run, and says now and then that it lives."""
        with self._news:
            self._starts()

    def _starts(self) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="history-writer", daemon=True)
        self._thread.start()
        return True

    def put_row(self, table: str, row: WrittenRow, begin: Beginning, failed: Done) -> None:
        """Write a row that nobody waits for. It joins those before it, where they are of the same
        table and run: of many short ones most of the price is in what is done for each work."""
        with self._news:
            if self._pending:
                last = self._pending[-1]
                same = last.failed is failed and last.table == table and last.done is None
                if same and last.rows:
                    last.rows.append(row)
                    return
        self.put(Work(table, [row], None, begin, failed))

    def put_and_wait(self, *works: Work) -> None:
        """Write this, and all that was put before, and wait for it.

        Raises what the disk refused.
        """
        settled = threading.Event()
        failures: list[BaseException] = []

        def done(error: BaseException | None) -> None:
            if error is not None:
                failures.append(error)
            settled.set()

        self.put(*works, Work(done=done))
        settled.wait()
        if failures:
            raise failures[0]

    def watch(self, run: str, stop: Callable[[], None] | None) -> None:
        """Call `stop` when another process wants this run to stop; None: it has ended."""
        with self._news:
            if stop is None:
                self._watched.pop(run, None)
                return
            self._watched[run] = stop
            self._news.notify()

    def close(self) -> None:
        """Write what there is, and end the thread."""
        with self._news:
            self._closed = True
            self._news.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._pending and not self._closed:
                    if not self._news.wait(LOOK_S if self._watched else RENEW_S):
                        self._stay()
                while not self._waited and not self._closed and (wait := self._moment()) > 0:
                    self._news.wait(wait)
                group, self._pending, self._waited = self._pending, [], 0
                if not group:
                    if self._closed:
                        return
                    continue
            self._write(group)
            self._leases.renew()
            self._look()

    def _stay(self) -> None:
        """Nothing to write for a while: the run may still be at work, and so is this machine."""
        with contextlib.suppress(Exception):
            self._store.stamp()
        self._leases.renew()
        self._look()

    def _look(self) -> None:
        """Now and then, look whether somebody wants one of the runs to stop."""
        now = time.monotonic()
        if not self._watched or now < self._looked + LOOK_S:
            return
        self._looked = now
        table = self._store.table("stop_requests")
        query = table.select().where(table.c.run.in_(list(self._watched)))
        with contextlib.suppress(Exception):
            for row in self._store.do(lambda db: db.execute(query).fetchall()):
                self._stop(row.run)
        for run in self._lost(list(self._watched)):
            self._stop(run)

    def _stop(self, run: str) -> None:
        if (stop := self._watched.pop(run, None)) is not None:
            stop()

    def _lost(self, runs: list[str]) -> list[str]:
        """Those of these runs that another host has gone on with: it took this process for gone."""
        of = self._store.table("runs").c
        query = self._store.table("runs").select().with_only_columns(of.id)
        lost = query.where(of.id.in_(runs), of.process != this_process())
        with contextlib.suppress(Exception):
            return [row.id for row in self._store.do(lambda db: db.execute(lost).fetchall())]
        return []

    def _moment(self) -> float:
        """Seconds until what nobody waits for is written: at once, after a time of rest."""
        return self._written + MOMENT_S - time.monotonic()

    def _write(self, group: list[Work]) -> None:
        durable = any(work.done is not None for work in group)
        error: BaseException | None = None
        try:
            self._store.do(lambda db: self._all(db, group), write=True, durable=durable)
        except BaseException as refused:  # whoever waits must hear of it
            error = refused
        self._written = time.monotonic()
        for work in group:
            if error is not None and work.failed is not None:
                work.failed(error)
            if work.done is not None:
                work.done(error)

    def _all(self, db: Connection, group: list[Work]) -> None:
        """Write a group: rows in few statements, other changes in their place between them."""
        for begin in {work.begin: None for work in group}:
            if begin is not None:
                begin(db)
        rows: dict[str, list[WrittenRow]] = {}
        for work in group:
            if work.rows is not None:
                rows.setdefault(work.table, []).extend(work.rows)
            elif work.change is not None:
                self._insert(db, rows)
                work.change(db)
        self._insert(db, rows)
        # Last, as everybody does: on a server, who waits for a run shall hold no size meanwhile.
        self._count(db, group)

    def _count(self, db: Connection, group: list[Work]) -> None:
        sizes = self._store.table("run_sizes")
        count_rows(db, sizes, ((w.table, w.rows) for w in group if w.rows is not None))

    def _insert(self, db: Connection, rows: dict[str, list[WrittenRow]]) -> None:
        for table, some in rows.items():
            columns = COLUMNS.get(table)
            if columns is None:
                mappings: Any = some
                db.execute(self._store.table(table).insert(), mappings)
            elif self._store.path is None:
                named = [dict(zip(columns, row, strict=True)) for row in some]
                db.execute(self._store.table(table).insert(), named)
            else:
                _quickly(db, table, some)
        rows.clear()


def _quickly(db: Connection, table: str, rows: Sequence[Any]) -> None:
    """Many rows a statement: between statements SQLite's driver hands over to other threads,
    and a run that is busy hands back late. The driver is asked itself: thousands of values
    are looked at one by one on their way through SQLAlchemy."""
    driver: Any = db.connection.driver_connection
    start = 0
    for size in AT_ONCE, FEWER, 1:
        while len(rows) - start >= size:
            count = size if size > 1 else len(rows) - start
            some = rows[start : start + count]
            driver.execute(_insertion(table, count), tuple(chain.from_iterable(some)))
            start += count


@lru_cache(maxsize=2 * FEWER)
def _insertion(table: str, count: int) -> str:
    """The statement that writes so many rows. The driver knows the few that there are by heart."""
    names = COLUMNS[table]
    columns = ", ".join(f'"{name}"' for name in names)
    one = f"({', '.join('?' * len(names))})"
    return f'INSERT INTO "{table}" ({columns}) VALUES {", ".join([one] * count)}'  # noqa: S608 - names of our own tables


def _end(writer: weakref.ref[Writer]) -> None:
    """At the end of the process: SQLite then puts its files in order."""
    if (known := writer()) is not None:
        known.close()
        known._leases.end()
        known._store.close()
