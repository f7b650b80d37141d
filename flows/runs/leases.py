"""Which processes still live that have runs.

Of its own host the system knows. Several hosts may keep their runs in one place (a server, or a
file that containers of one machine share), and a machine may get another name: so a process that
has runs says now and then that it lives (a lease; Gray and Cheriton, 1989), and counts as gone for
other hosts when it has been silent for three minutes. The clocks of the hosts may differ by less
than that. What has written in a file without a lease is gone, unless the stamp of the file
(`one_host.py`) is of another machine and counts.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patchbay.flows.runs.store import Store

AGAIN_S, COUNTS_S = 45.0, 180.0
"""After how many seconds a lease is renewed, and for how many it counts."""

FORGOTTEN_S = 86_400.0
"""After how many seconds a lease is deleted that its process could not take back."""

_UPSERT = """
INSERT INTO leases (process, seen_at) VALUES (:process, :at)
ON CONFLICT (process) DO UPDATE SET seen_at = excluded.seen_at
"""


def this_process() -> str:
    """This process by host, number and start time, since numbers are used again."""
    return _process(os.getpid())


@lru_cache(maxsize=1)
def _process(number: int) -> str:
    import psutil

    return f"{socket.gethostname()}/{number}/{psutil.Process(number).create_time():.2f}"


def is_of_this_host(process: str) -> bool:
    """Whether a process is of the host that this one began on: the name may have changed since."""
    return process.rsplit("/", 2)[0] == this_process().rsplit("/", 2)[0]


def is_alive(process: str) -> bool:
    """Whether a process of this host still runs. Of other hosts nothing is known here: yes."""
    import psutil

    if not is_of_this_host(process):
        return True
    _, number, started = process.rsplit("/", 2)
    try:
        return f"{psutil.Process(int(number)).create_time():.2f}" == started
    except psutil.Error:
        return False


class Leases:
    """The leases of one store."""

    def __init__(self, store: Store) -> None:
        self._store, self._table = store, store.table("leases")
        self._renewed = 0.0
        self._generation = store.generation

    def take(self, db: Any) -> None:
        """Say that this process lives, in the transaction in which it gets a run.

        In a file it is said anew only when it is time: there every run would pay for it.
        """
        if self._store.path is None or self._is_due():
            self._say(db)

    def renew(self) -> None:
        """Say it once more, where it has been said and that was some time ago."""
        if self._renewed and self._is_due():
            with contextlib.suppress(Exception):  # the next event says what the server refuses
                self._store.do(self._say, write=True, durable=False)

    def end(self) -> None:
        """This process has no runs any more."""
        if self._renewed:
            self._renewed = 0.0
            of = self._table.c
            done = (of.process == this_process()) | (of.seen_at < time.time() - FORGOTTEN_S)
            with contextlib.suppress(Exception):
                delete = self._table.delete().where(done)
                self._store.do(lambda db: db.execute(delete), write=True, durable=False)

    def live(self, db: Any, process: str) -> bool:
        """Whether the process that has a run may still be at work on it."""
        if is_of_this_host(process):
            return is_alive(process)
        if self._store.path is None:
            return self._counts(db, process)
        return self._counts(db, process) or self._store.is_elsewhere()

    def _is_due(self) -> bool:
        if not self._renewed or self._generation != self._store.generation:
            return True
        return time.monotonic() - self._renewed >= AGAIN_S

    def _say(self, db: Any) -> None:
        import sqlalchemy as sa

        now = time.time()
        if db.dialect.name in ("sqlite", "postgresql"):
            # In one statement: of two threads that both look and then insert, one would be refused.
            db.execute(sa.text(_UPSERT), {"process": this_process(), "at": now})
        else:
            mine = self._table.update().where(self._table.c.process == this_process())
            if not db.execute(mine.values(seen_at=now)).rowcount:
                db.execute(self._table.insert().values(process=this_process(), seen_at=now))
        self._generation, self._renewed = self._store.generation, time.monotonic()

    def _counts(self, db: Any, process: str) -> bool:
        """Whether a process has said not long ago that it lives."""
        import sqlalchemy as sa

        query = self._table.select().where(self._table.c.process == process)
        try:
            row = db.execute(query).first()
        except sa.exc.OperationalError:
            if self._store.path is None:
                raise
            return False  # a file that can only be read, of before there were leases
        return row is not None and time.time() - row.seen_at < COUNTS_S
