"""Stopping a run that no process has: one that waits for people, or whose process is gone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.events import RunCancelled, Tokens, as_json
from patchbay.flows.runs.inbox import ENDED, dump
from patchbay.flows.runs.sizing import add_rows

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History


def stop(history: History, run: str) -> None:
    """Stop a run that sleeps. Its questions close, and its thread is free again.

    What it has done is kept: it can be resumed, and asks again then.

    Args:
        history: where it is recorded.
        run: its id.

    Raises:
        FlowError: there is no such run, it has ended, or a process is at work on it.
    """
    past = history.get(run)
    if past.status in ("waiting", "interrupted") and _stopped(history, run, past.seconds):
        return
    raise FlowError([_why_not(run, history.get(run).status)])


def _stopped(history: History, run: str, seconds: float) -> bool:
    """Mark it as stopped, unless somebody has answered or resumed it meanwhile."""
    from patchbay.flows.runs.history import is_alive

    runs, events, threads = (history.table(name) for name in ("runs", "events", "threads"))
    end = RunCancelled(at=time.time(), run=run, seconds=seconds, tokens=Tokens())

    def work(db: Any) -> bool:
        row = db.execute(runs.select().where(runs.c.id == run)).first()
        if row is None or row.status not in ("waiting", "running"):
            return False
        if row.status == "running" and is_alive(row.process):
            return False
        as_seen = (runs.c.status == row.status, runs.c.process == row.process)
        change = runs.update().where(runs.c.id == run, *as_seen)
        if not db.execute(change.values(status="cancelled")).rowcount:
            return False
        data = {**as_json(end), "tokens": _spent(db, events, run)}
        said = {"run": run, "type": end.type, "node": None, "data": dump(data)}
        add_rows(db, history.table("run_sizes"), {"events": [said]})
        db.execute(events.insert().values(**said))
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
    if status in ENDED:
        message = f'The run "{run}" has {ENDED[status]}; there is nothing to stop.'
        return Problem("history/ended", message, "Look at it: patchbay runs RUN.")
    return Problem(
        "history/running",
        f'The run "{run}" is still running in another process.',
        "Stop it there: with Ctrl+C, or with Stop in the studio.",
    )
