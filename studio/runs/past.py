"""A recorded run as the editor shows it: its values, what happened when, what to go on with."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, cast

from patchbay.flows.checks.resolve import Resolved
from patchbay.flows.document.graph import onward
from patchbay.flows.document.model import Flow
from patchbay.flows.runs.paging import count
from patchbay.flows.runs.past_events import event_of
from patchbay.studio.documents.pins import Pin
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.runs.progress import Followed, Progress

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History, PastRun
    from patchbay.flows.runs.running import Run

MOST = 20_000
"""Events up to which a run is gone through in the editor."""


def too_long(history: History, run: str) -> bool:
    """Whether a run has more events than a page goes through."""
    return count(history, run) > MOST


def past_live(past: PastRun, flow: Flow, events: list[dict[str, Any]], owner: str) -> LiveRun:
    """A recorded run in the form that pages show runs in; it cannot be stopped or gone on with.

    Args:
        past: the run.
        flow: the flow as it was then.
        events: its recorded events, in JSON form.
        owner: who looks at it.
    """
    progress = Progress(started=past.started_at, seconds=past.seconds)
    progress.outputs = dict(past.outputs)
    progress.catch_up(past.status, events)
    progress.questions.clear()  # they are answered where the run goes on
    nobody = cast("Run", None)
    return LiveRun(
        past.id, f"past:{past.id}", owner, flow, past.folder, dict(past.inputs), past.only, nobody,
        progress,
    )  # fmt: skip


def timeline(events: list[dict[str, Any]], began: float) -> list[dict[str, Any]]:
    """What browsers are told of the nodes of the flow itself, each with `t`, its second."""
    progress, told = Progress(recorded=True), []
    for recorded in events:
        event = event_of(recorded)
        if not isinstance(event, Followed) or "/" in event.node:
            continue
        change = progress.take(event) or {}
        change.pop("since", None)  # no clock runs for it any more
        told.append({"t": round(max(0.0, event.at - began), 4), **change})
    return told


def pins_of(
    resolved: Resolved, events: list[dict[str, Any]], began: float, at: float, node: str = ""
) -> dict[str, Pin]:
    """What to go on with from a moment of a run: the values that there were, as pins.

    With a node, all but that one and what follows from it, whenever it was. The flow's outputs are
    left out, so that there is something to run.

    Args:
        resolved: the flow.
        events: the run's recorded events.
        began: when it began, in Unix time.
        at: the moment, in seconds after that.
        node: the node from which on things are to be done anew; "" for the moment.
    """
    anew: Collection[str] = onward(resolved.links, node) if node else ()
    found = {}
    for event in events:
        name = str(event.get("node") or "")
        known = resolved.nodes.get(name)
        if event["type"] != "node_finished" or known is None or name in anew:
            continue
        if known.flow_output is not None or not event["outputs"]:
            continue
        if node or event["at"] - began <= at + 0.0005:
            found[name] = Pin(known.instance.kind, event["outputs"])
    return found


def same_work(one: Flow, other: Flow) -> bool:
    """Whether two flows do the same, wherever their boxes lie."""
    bare = {"layout": {}, "notes": (), "groups": (), "description": "", "name": ""}
    return one.model_copy(update=bare) == other.model_copy(update=bare)
