"""What the wires of a flow describe, before anything runs: models, adapters, tools, agents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from patchbay.flows.checks.resolve import Resolved, ResolvedNode
from patchbay.flows.document.graph import generations
from patchbay.flows.document.model import Edge
from patchbay.nodes.contract import UNSET, Node, Port, Ports


@dataclass(frozen=True)
class Described:
    """Outputs of the nodes that only describe, and what the others could not make of theirs."""

    outputs: Mapping[str, Ports] = field(default_factory=dict)
    """Node id → its outputs."""
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Node id → port → the description that arrives there, or a list of them for many wires."""
    errors: Mapping[str, Exception] = field(default_factory=dict)
    """Node id → why it describes nothing."""


def describe_flow(resolved: Resolved, order: Mapping[str, int] | None = None) -> Described:
    """Follow descriptions along the wires. Opens nothing and never raises.

    Args:
        resolved: the flow.
        order: node id → length of the longest way to it, where that is known already.
    """
    if not any(describes(node) for node in resolved.nodes.values()):
        return Described()
    outputs: dict[str, Ports] = {}
    arrived: dict[str, Mapping[str, Any]] = {}
    errors: dict[str, Exception] = {}
    order = generations(resolved.links) if order is None else order
    for node_id in sorted(order, key=order.__getitem__):
        node = resolved.nodes.get(node_id)
        if node is None or node.inputs is None or node.instance.disabled:
            continue
        known, complete = _arriving(node.inputs, resolved.incoming[node_id], outputs)
        if known:
            arrived[node_id] = known
        if not complete or node.cls is None or not describes(node):
            continue
        try:
            described = node.cls.describe(node.params, node.inputs(**known))
        except Exception as error:  # a node's words about itself, or a stranger's defect
            errors[node_id] = error
            continue
        if described is not None:
            outputs[node_id] = described
    return Described(outputs, arrived, errors)


def describes(node: ResolvedNode) -> bool:
    """Whether a node declares what it describes."""
    cls = node.cls
    return cls is not None and cls.describe.__func__ is not Node.describe.__func__  # type: ignore[attr-defined]


def _arriving(
    ports: type[Ports], wires: Mapping[str, list[Edge]], outputs: Mapping[str, Ports]
) -> tuple[dict[str, Any], bool]:
    """The descriptions that arrive at a node, and whether nothing that it needs is unknown."""
    known: dict[str, Any] = {}
    complete = True
    for name, port in ports.declared.items():
        edges = wires.get(name, [])
        values = [_value(outputs, edge.source_node, edge.source_port, port) for edge in edges]
        if any(value is UNSET for value in values) or (not edges and port.required):
            complete = False
        elif edges:
            known[name] = values if port.type.many else values[0]
    return known, complete


def _value(outputs: Mapping[str, Ports], node_id: str, name: str, port: Port) -> Any:
    given = outputs.get(node_id)
    value = UNSET if given is None else given.as_dict().get(name, UNSET)
    return value if value is UNSET or port.type.accepts(value) else UNSET
