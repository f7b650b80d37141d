"""Whose a run is: its id says so, signed, so that it holds after a restart and needs no table."""

from __future__ import annotations

import hmac
import re

from patchbay.flows.runs.running import new_run_id
from patchbay.flows.server.core.keys import Caller

_WORKER = re.compile(r"w(\d{1,4})-[0-9a-f]{10}")


def worker_of(run: str) -> int | None:
    """Which of several workers has a run; None where the id does not say."""
    found = _WORKER.search(run, max(0, len(run) - 16))
    return int(found[1]) if found and found.end() == len(run) else None


class Owners:
    """Signs ids of runs, and addresses that may be read without a key.

    Args:
        key: what to sign with.
        worker: the number of this process, where several share a port: an id says who has the run.
    """

    def __init__(self, key: bytes, worker: int | None = None) -> None:
        self._key = key
        self._worker = "" if worker is None else f"w{worker}"

    def new_id(self, caller: Caller) -> str:
        """The id of a new run of a caller."""
        made = new_run_id() + self._worker
        return f"{made}-{self._sign('run', made, caller.name)[:10]}"

    def owns(self, caller: Caller, run: str) -> bool:
        """Whether a run is of this caller."""
        made, _, signed = run.rpartition("-")
        return hmac.compare_digest(
            signed.encode("utf-8", "replace"), self._sign("run", made, caller.name)[:10].encode()
        )

    def ticket(self, run: str) -> str:
        """What lets somebody read the events of one run: a browser's EventSource sends no key."""
        return self._sign("events", run)[:32]

    def admits(self, ticket: str, run: str) -> bool:
        """Whether a ticket is for this run."""
        return hmac.compare_digest(ticket.encode("utf-8", "replace"), self.ticket(run).encode())

    def _sign(self, *parts: str) -> str:
        text = "\0".join(parts).encode("utf-8", "replace")
        return hmac.digest(self._key, text, "sha256").hex()
