"""`patchbay inbox`: the questions that recorded runs ask."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer

from patchbay.flows.cli import say
from patchbay.flows.cli.options import Debug, Json
from patchbay.flows.cli.questions import command, lines_of, when
from patchbay.flows.cli.run import leave, open_history, show_traced, view_of
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.history import History
from patchbay.flows.runs.inbox import OpenQuestion
from patchbay.flows.runs.resume import resumed_run


def inbox(
    run_id: Annotated[str | None, typer.Argument(metavar="RUN", help="Only of this run.")] = None,
    as_json: Json = False,
    due: Annotated[
        bool, typer.Option("--due", help="Go on with the runs whose deadlines have passed.")
    ] = False,
    debug: Debug = False,
) -> None:
    """List the open questions of all runs: who is asked, what, since when, until when.

    A deadline that has passed is taken at this look: the question's default is its answer then.
    """
    history = open_history()
    if run_id is not None:
        history.get(run_id)
    taken = history.inbox.take_due(time.time(), run_id)
    for asked in taken:
        late = "its default was taken" if "default" in asked.asks else "it has none to fall back on"
        say.err(f'{asked.run}: nobody answered "{asked.title}" in time; {late}.')
    if due:
        leave(_go_on(history))
    found = history.inbox.open(run_id)
    if as_json:
        rows = [asked.as_dict() for asked in found]
        say.out(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        _list(found)
    for run in history.inbox.answered_asleep():
        say.err(f"{run} has its answers and can go on: patchbay run --resume {run}")


def _list(found: list[OpenQuestion]) -> None:
    several = {asked.run for asked in found if sum(o.run == asked.run for o in found) > 1}
    for asked in found:
        say.out(f"{asked.run}  {asked.flow}  {asked.node}  since {when(asked.asked_at)}")
        for line in lines_of(asked.asks, asked.until):
            say.out(f"  {line}")
        way = command(asked.run, asked.id, asked.asks, alone=asked.run not in several)
        say.out(f"    → {way}\n")
    if not found:
        say.err("No run asks anything.")


def _go_on(history: History) -> int:
    """Go on with the runs that sleep although they are answered."""
    code = 0
    for run_id in history.inbox.answered_asleep():
        past = history.get(run_id)
        say.err(f"{run_id}  {past.name}")
        run = resumed_run(history, past, default_environment(folder=past.folder))
        view = view_of(run.resolved, False, False, False, False)
        code = max(code, show_traced(run, view))
    return code
