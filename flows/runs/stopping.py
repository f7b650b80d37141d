"""Stopping a run from outside: one that waits for people, whose process is gone, or has it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.events import RunCancelled, Tokens, as_json
from patchbay.flows.runs.inbox import ENDED
from patchbay.flows.runs.sizing import add_event

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History

WAIT_S = 10.0
"""How long it is waited until a run at work has stopped, unless said otherwise."""


def stop(history: History, run: str, *, wait_s: float = WAIT_S) -> bool:
    """Stop a run: one that sleeps at once, one at work by asking the process that has it.

    Of one that sleeps, the questions close and the thread is free again. What has been done is
    kept: the run can be resumed.

    Args:
        history: where it is recorded.
        run: its id.
        wait_s: how long to wait until a run at work has stopped, in seconds.

    Returns:
        Whether it has stopped. False: it has been asked to, and is not done yet.

    Raises:
        FlowError: there is no such run, or it has ended.
    """
    past = history.get(run)
    if past.status in ("waiting", "interrupted") and _stopped(history, run, past.seconds):
        return True
    status = history.get(run).status
    if status != "running":
        raise FlowError([_why_not(run, status)])
    _ask(history, run)
    until = time.monotonic() + wait_s
    while (past := history.get(run)).status == "running" and time.monotonic() < until:
        time.sleep(0.05)
    if past.status in ("waiting", "interrupted"):  # it fell asleep, or died, before it heard of it
        return _stopped(history, run, past.seconds)
    return past.status != "running"


def withdraw(history: History, run: str) -> None:
    """Mark a run as stopped that this process keeps and has not begun; it can be resumed."""
    from patchbay.flows.runs.leases import this_process

    _stopped(history, run, history.get(run).seconds, of=this_process())


def stopped_asleep(history: History, run: str) -> bool:
    """Stop a run that sleeps. Returns False where somebody has answered or resumed it meanwhile."""
    past = history.get(run)
    return past.status == "waiting" and _stopped(history, run, past.seconds)


def _ask(history: History, run: str) -> None:
    """Leave word for the process that has the run; it looks now and then (`writer.py`)."""
    wishes = history.table("stop_requests")

    def work(db: Any) -> None:
        db.execute(wishes.delete().where(wishes.c.run == run))
        db.execute(wishes.insert().values(run=run, at=time.time()))

    history.store.do(work, write=True)


def _stopped(history: History, run: str, seconds: float, *, of: str = "") -> bool:
    """Mark it as stopped, unless somebody has answered or resumed it meanwhile."""
    runs, events, threads = (history.table(name) for name in ("runs", "events", "threads"))
    end = RunCancelled(at=time.time(), run=run, seconds=seconds, tokens=Tokens())

    def work(db: Any) -> bool:
        row = db.execute(runs.select().where(runs.c.id == run)).first()
        if row is None or row.status not in ("waiting", "running"):
            return False
        if row.status == "running" and row.process != of and history.leases.live(db, row.process):
            return False
        as_seen = (runs.c.status == row.status, runs.c.process == row.process)
        change = runs.update().where(runs.c.id == run, *as_seen)
        if not db.execute(change.values(status="cancelled")).rowcount:
            return False
        data = {**as_json(end), "tokens": _spent(db, events, run)}
        add_event(db, events, history.table("run_sizes"), run, data)
        held = threads.update().where(threads.c.run == run)
        db.execute(held.values(run="", process=""))
        return True

    return bool(history.store.do(work, write=True))


def _spent(db: Any, events: Any, run: str) -> Any:
    """The tokens of the run so far, as it said itself when it fell asleep."""
    import json

    slept = events.select().where(events.c.run == run, events.c.type == "run_waiting")
    row = db.execute(slept.order_by(events.c.number.desc()).limit(1)).first()
    return json.loads(row.data)["tokens"] if row is not None else Tokens().as_dict()


def _why_not(run: str, status: str) -> Problem:
    message = f'The run "{run}" has {ENDED.get(status, status)}; there is nothing to stop.'
    return Problem("history/ended", message, "Look at it: patchbay runs RUN.")
