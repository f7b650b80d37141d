"""`patchbay runs`: what was recorded."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import typer

from patchbay.flows.cli import say


def runs(
    run_id: Annotated[str | None, typer.Argument(help="Show the events of this run.")] = None,
    limit: Annotated[int, typer.Option(help="How many to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    debug: Annotated[bool, typer.Option("--debug", hidden=True)] = False,
) -> None:
    """List recorded runs, newest first, or the events of one."""
    from patchbay.flows.runs.history import History

    history = History()
    if run_id is not None:
        history.get(run_id)
        for event in history.events(run_id):
            say.out(json.dumps(event, ensure_ascii=False) if as_json else _line(event))
        return
    past = history.runs(limit)
    say.notice(history.notice)
    if as_json:
        rows = [
            {
                "id": run.id,
                "flow": run.name,
                "status": run.status,
                "started_at": run.started_at,
                "seconds": run.seconds,
                "tokens": run.tokens,
            }
            for run in past
        ]
        say.out(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for run in past:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started_at))
        say.out(f"{run.id}  {run.status:<11}  {when}  {say.seconds(run.seconds):>8}  {run.name}")
    if not past:
        say.err("No run is recorded yet. Record one with: patchbay run FLOW --record")


def _line(event: dict[str, Any]) -> str:
    node = f" {event['node']}" if event.get("node") else ""
    step = [event.get("who"), event.get("what"), event.get("tool"), _first(event.get("text"))]
    more = (
        event.get("reason")
        or event.get("message")
        or event.get("problem", {}).get("message")
        or event.get("source")
        or " · ".join(part for part in step if part)
    )
    at = time.strftime("%H:%M:%S", time.localtime(event["at"]))
    return f"{at}  {event['type']:<14}{node}  {more}".rstrip()


def _first(text: str | None) -> str:
    """The first line of a text, cut where it is long."""
    line = (text or "").strip().partition("\n")[0]
    return line if len(line) <= 100 else line[:99] + "…"
