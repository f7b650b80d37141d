"""Two recorded runs side by side: what differs in flow, inputs, outputs, seconds and tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from patchbay.flows.document.diff import changes
from patchbay.flows.document.model import Flow
from patchbay.flows.document.titles import node_title
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.data import same_json
from patchbay.studio.runs.steps import tokens_of


@dataclass(frozen=True, slots=True)
class TwoValues:
    """One value of both runs; None where a run has none. `same` as JSON is."""

    name: str
    one: Any
    other: Any

    @property
    def same(self) -> bool:
        """Whether both are there and equal."""
        return same_json(self.one, self.other)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a node took: seconds and tokens in both runs; None where it was not run."""

    node: str
    title: str
    seconds: tuple[float | None, float | None]
    tokens: tuple[int | None, int | None]
    gave: tuple[TwoValues, ...] | None
    """What it gave, port by port; None where one of the two gave nothing."""

    @property
    def gave_the_same(self) -> bool | None:
        """None where one of the two gave nothing."""
        return None if self.gave is None else all(pair.same for pair in self.gave)


@dataclass(frozen=True, slots=True)
class Compared:
    """The second run against the first."""

    flow: tuple[str, ...]
    """What changed in the flow, a sentence each."""
    inputs: tuple[TwoValues, ...]
    outputs: tuple[TwoValues, ...]
    nodes: tuple[Spent, ...]


Events = Iterable[Mapping[str, Any]]


def compared(
    flows: tuple[Flow, Flow],
    inputs: tuple[Mapping[str, Any], Mapping[str, Any]],
    outputs: tuple[Mapping[str, Any], Mapping[str, Any]],
    events: tuple[Events, Events],
    catalog: Catalog,
) -> Compared:
    """What differs between two runs. Values are in their stored form.

    Args:
        flows: the flows as they were.
        inputs: what the runs were given, by name.
        outputs: what they gave.
        events: what happened in them, in JSON form.
        catalog: by whose titles nodes are called.
    """
    one, other = _ended(events[0]), _ended(events[1])
    nodes = {node.id: (flow, node) for flow in flows for node in flow.nodes}
    spent = [
        Spent(
            node,
            node_title(*nodes[node], catalog),
            (_number(one.get(node), "seconds"), _number(other.get(node), "seconds")),
            (_tokens(one.get(node)), _tokens(other.get(node))),
            _gave(one.get(node), other.get(node)),
        )
        for node in nodes
        if node in one or node in other
    ]
    said = tuple(line for line in changes(*flows, catalog) if not line.endswith(" moved."))
    return Compared(said, _pairs(*inputs), _pairs(*outputs), tuple(spent))


def _pairs(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[TwoValues, ...]:
    return tuple(TwoValues(name, one.get(name), other.get(name)) for name in {**one, **other})


def _ended(events: Events) -> dict[str, Mapping[str, Any]]:
    """How each node of the flow itself ended."""
    return {
        event["node"]: event
        for event in events
        if event["type"] in ("node_finished", "node_failed", "node_stopped")
        and "/" not in event["node"]
    }


def _number(event: Mapping[str, Any] | None, name: str) -> float | None:
    return None if event is None else float(event[name])


def _tokens(event: Mapping[str, Any] | None) -> int | None:
    return None if event is None else tokens_of(event.get("tokens")).total


def _gave(
    one: Mapping[str, Any] | None, other: Mapping[str, Any] | None
) -> tuple[TwoValues, ...] | None:
    if one is None or other is None or "outputs" not in one or "outputs" not in other:
        return None
    return _pairs(one["outputs"], other["outputs"])
