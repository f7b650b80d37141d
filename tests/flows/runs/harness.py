"""Write a flow in two lines, run it, read what happened as short words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, assert_never

from patchbay.flows.document.model import Edge, Flow, NodeInstance, RunPolicy
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import (
    Event,
    NodeAnswered,
    NodeAsked,
    NodeFailed,
    NodeFinished,
    NodeProgress,
    NodeRetrying,
    NodeSkipped,
    NodeStarted,
    NodeStepped,
    NodeStopped,
    NodeStreamed,
    NodeWaiting,
    NodeWarned,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunStarted,
    RunWaiting,
    RunWarned,
)
from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.running import Run
from patchbay.flows.runs.secrets import Secrets
from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from tests.flows.runs.nodes import NODES

CATALOG = Catalog(NODES, table=BUILTIN)


def environment(**changes: Any) -> Environment:
    """A fresh one: own pool, no cache, no secrets."""
    return replace(Environment(CATALOG, Pool(), Secrets(env={}, files=())), **changes)


def flow(nodes: Mapping[str, Any], wires: Iterable[str] = (), name: str = "Case") -> Flow:
    """A flow from `{"id": "kind"}` or `{"id": ("kind", params, run policy)}` and `"a.x > b.y"`."""
    instances = []
    for node_id, given in nodes.items():
        kind, params, policy = (*((given,) if isinstance(given, str) else given), {}, {})[:3]
        instances.append(
            NodeInstance(
                id=node_id,
                kind=kind,
                params=params,
                disabled=policy.get("disabled", False),
                run=RunPolicy(**{k: v for k, v in policy.items() if k != "disabled"}),
            )
        )
    edges = []
    for wire in wires:
        source, target = wire.split(" > ")
        edges.append(Edge.model_validate({"from": source, "to": target}))
    return Flow(name=name, nodes=tuple(instances), edges=tuple(edges))


OUT = ("io.output", {"name": "out"})


async def events_of(
    document: Flow,
    inputs: Mapping[str, Any] | None = None,
    env: Environment | None = None,
    only: Iterable[str] = (),
    folder: Path | None = None,
) -> list[Event]:
    """All events of one run."""
    env = replace(env or environment(), folder=folder)
    return [event async for event in Run(document, inputs or {}, env, tuple(only)).events()]


def words(events: Iterable[Event]) -> list[str]:
    """Events as short words, without times."""
    return [text for event in events if (text := _word(event))]


def _word(event: Event) -> str:
    match event:
        case NodeStarted():
            return f"start {event.node}" + (f" #{event.attempt}" if event.attempt > 1 else "")
        case NodeStreamed():
            return f"stream {event.node}.{event.port} {event.piece}"
        case NodeFinished():
            return f"{event.source} {event.node}"
        case NodeSkipped():
            return f"skip {event.node}: {event.reason}"
        case NodeFailed():
            return f"fail {event.node} [{event.problem.code}] {event.problem.message}"
        case NodeStopped():
            return f"stop {event.node} with {event.outputs}: {event.message}"
        case NodeRetrying():
            return f"retry {event.node} in {event.wait_s:g} s"
        case NodeWarned():
            return f"warn {event.node}: {event.message}"
        case NodeWaiting():
            return f"wait {event.node} for {event.resource} #{event.position}"
        case NodeAsked():
            return f"ask {event.question}"
        case NodeAnswered():
            return f"answer {event.question} by {event.author}"
        case RunWaiting():
            return f"waiting for {', '.join(event.questions)}"
        case RunFinished():
            return f"finished {event.outputs}"
        case RunFailed():
            return f"failed at {event.problem.place}"
        case RunCancelled():
            return "cancelled"
        case RunWarned():
            return f"warn: {event.message}"
        case RunStarted() | NodeProgress() | NodeStepped():
            return ""
        case _:
            assert_never(event)
