"""Which processes still live that have runs.

Of its own host the system knows. On a server several hosts keep their runs in one place: there a
process that has runs says now and then that it lives (a lease; Gray and Cheriton, 1989), and counts
as gone when it has been silent for three minutes. The clocks of the hosts may differ by less than
that. A file has one host at a time, as its stamp says (`one_host.py`), so that whoever else has
written in it is gone, unless the stamp is of another machine and counts.
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


def this_process() -> str:
    """This process by host, number and start time, since numbers are used again."""
    return _process(os.getpid())


@lru_cache(maxsize=1)
def _process(number: int) -> str:
    import psutil

    return f"{socket.gethostname()}/{number}/{psutil.Process(number).create_time():.2f}"


def is_alive(process: str) -> bool:
    """Whether a process of this host still runs. Of other hosts nothing is known here: yes."""
    import psutil

    host, number, started = process.rsplit("/", 2)
    if host != socket.gethostname():
        return True
    try:
        return f"{psutil.Process(int(number)).create_time():.2f}" == started
    except psutil.Error:
        return False


class Leases:
    """The leases of one store."""

    def __init__(self, store: Store) -> None:
        self._store, self._table = store, store.table("leases")
        self._renewed = 0.0

    def take(self, db: Any) -> None:
        """Say that this process lives, in the transaction in which it gets a run."""
        if self._store.path is not None:
            return
        of_me = self._table.update().where(self._table.c.process == this_process())
        if not db.execute(of_me.values(seen_at=time.time())).rowcount:
            db.execute(self._table.insert().values(process=this_process(), seen_at=time.time()))
        self._renewed = time.monotonic()

    def renew(self) -> None:
        """Say it once more, where it has been said and that was some time ago."""
        if self._renewed and time.monotonic() - self._renewed >= AGAIN_S:
            with contextlib.suppress(Exception):  # the next event says what the server refuses
                self._store.do(self.take, write=True)

    def end(self) -> None:
        """This process has no runs any more."""
        if self._renewed:
            self._renewed = 0.0
            mine = self._table.delete().where(self._table.c.process == this_process())
            with contextlib.suppress(Exception):
                self._store.do(lambda db: db.execute(mine), write=True)

    def live(self, db: Any, process: str) -> bool:
        """Whether the process that has a run may still be at work on it."""
        if process.rsplit("/", 2)[0] == socket.gethostname():
            return is_alive(process)
        if self._store.path is not None:
            return self._store.is_elsewhere()
        query = self._table.select().where(self._table.c.process == process)
        row = db.execute(query).first()
        return row is not None and time.time() - row.seen_at < COUNTS_S
