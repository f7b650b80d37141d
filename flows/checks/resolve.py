"""A flow seen through a catalog: for every node its class, checked params and actual ports.

Computed once, shared by the validator and the engine. Never raises for what a flow contains: what
could not be resolved is None and carries the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from patchbay.flows.document.graph import Links, links
from patchbay.flows.document.migrate import MigrationError, upgrade_node
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import InputField, Node, Port, Ports, SubflowUse
from patchbay.nodes.names import names_weights

Wires = Mapping[str, Mapping[str, list[Edge]]]
"""Node id → port → wires, in edge order."""


@dataclass(frozen=True, slots=True)
class ResolvedNode:
    """One node of the flow with what the catalog knows of it."""

    instance: NodeInstance
    """The node, its params upgraded to the installed version of its kind."""
    cls: type[Node] | None = None
    """None: the catalog has no such kind."""
    params: Any | None = None
    """The checked params object, or None where they are bad."""
    inputs: type[Ports] | None = None
    """The input ports under these params, or None where they could not be derived."""
    outputs: type[Ports] | None = None
    """The output ports, likewise."""
    exclusive: tuple[str, ...] = ()
    """Outputs of which at most one is ever set."""
    flow_input: InputField | None = None
    """The flow input that the node stands for."""
    flow_output: str | None = None
    """The flow output that the node stands for."""
    subflows: tuple[SubflowUse, ...] = ()
    """The saved flows that the node runs."""
    error: Exception | None = None
    """Why params or ports are None: a `MigrationError`, a `ValidationError` of the params, or what
    the class raised when it derived its ports from them."""

    @property
    def title(self) -> str:
        """What people call it: its own title, else what its kind calls it, else its id."""
        if self.instance.title:
            return self.instance.title
        return self.cls.called(self.instance.params) if self.cls else self.instance.id

    def input(self, port: str) -> Port | None:
        """An input port by name, or None."""
        return self.inputs.declared.get(port) if self.inputs else None

    def output(self, port: str) -> Port | None:
        """An output port by name, or None."""
        return self.outputs.declared.get(port) if self.outputs else None


@dataclass(frozen=True)
class Resolved:
    """A flow and its nodes, resolved; wires by the ports that they join."""

    flow: Flow
    catalog: Catalog
    nodes: Mapping[str, ResolvedNode]
    """By id, in document order. Of two nodes with one id, the first."""
    incoming: Wires
    """Every node has an entry; ports without a wire have none. Wires from unknown nodes count."""
    outgoing: Wires
    """Likewise, by the output that the wire comes from."""
    lie_beside: frozenset[str] = frozenset()
    """Whole paths of weights and adapters of which the flow only says how they begin at its
    folder."""

    @cached_property
    def flow_inputs(self) -> tuple[tuple[str, InputField], ...]:
        """What the flow asks for, with the ids of the nodes that stand for it."""
        return tuple(
            (node_id, node.flow_input)
            for node_id, node in self.nodes.items()
            if node.flow_input is not None and not node.instance.disabled
        )

    @cached_property
    def links(self) -> Links:
        """Which nodes are joined, built once."""
        return links(self.flow)


def resolve(flow: Flow, catalog: Catalog) -> Resolved:
    """Look every node up, check its params and derive its ports."""
    nodes: dict[str, ResolvedNode] = {}
    fill = _filler(flow)
    for node in flow.nodes:
        if node.id not in nodes:
            nodes[node.id] = resolve_node(fill(node), catalog)
    incoming: dict[str, dict[str, list[Edge]]] = {node_id: {} for node_id in nodes}
    outgoing: dict[str, dict[str, list[Edge]]] = {node_id: {} for node_id in nodes}
    for edge in flow.edges:
        source, _, output = edge.source.partition(".")
        target, _, port = edge.target.partition(".")
        if target in incoming:
            incoming[target].setdefault(port, []).append(edge)
        if source in outgoing:
            outgoing[source].setdefault(output, []).append(edge)
    return Resolved(flow, catalog, nodes, incoming, outgoing)


def _filler(flow: Flow) -> Callable[[NodeInstance], NodeInstance]:
    """Puts the values of the flow's variables into a node; most flows have none."""
    if not flow.variables:
        return lambda node: node
    from patchbay.flows.document.variables import filled

    return lambda node: filled(node, flow.variables)


class _Same:
    """A flow and a catalog, compared by identity: flows never change, and cannot be hashed."""

    def __init__(self, flow: Flow, catalog: Catalog) -> None:
        self.flow, self.catalog = flow, catalog

    def __hash__(self) -> int:
        return hash((id(self.flow), id(self.catalog)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Same) and other.flow is self.flow and other.catalog is self.catalog
        )


def resolve_once(flow: Flow, catalog: Catalog, folder: Path | None = None) -> Resolved:
    """Like `resolve`, remembered for the flows that were looked at last.

    A run asks for its inputs, is checked, and planned; an open document is checked, asked what it
    takes, and measured: all of the same flow.

    Args:
        flow: the flow.
        catalog: the kinds of node that there are.
        folder: where the flow lies, for weights and adapters that lie beside it.
    """
    same = _Same(flow, catalog)
    return _resolved(same) if folder is None else _beside(same, folder)


def _beside(same: _Same, folder: Path) -> Resolved:
    """With whole paths in place of those of weights that begin at the flow's folder."""
    resolved = _resolved(same)
    named = [
        (node_id, node, node.cls.Params)
        for node_id, node in resolved.nodes.items()
        if node.cls is not None and node.params is not None and names_weights(node.cls.Params)
    ]
    if not named:
        return resolved
    from patchbay.nodes.outside import beside, weights_said

    changed: dict[str, dict[str, Any]] = {}
    before: list[str] = []
    after: list[tuple[str, tuple[str, ...]]] = []
    for node_id, node, asked in named:
        before += weights_said(asked, node.instance.params)
        if (params := beside(asked, node.instance.params, folder)) is not None:
            changed[node_id] = params
            after.append((node_id, tuple(weights_said(asked, params))))
    if not changed:
        return resolved
    lie = frozenset(name for _, names in after for name in names) - frozenset(before)
    return _placed(_Placed(same, tuple(after), lie, changed))


@dataclass(frozen=True, slots=True)
class _Placed:
    """A flow and which of its weights lie beside it, where they are now."""

    same: _Same
    names: tuple[tuple[str, tuple[str, ...]], ...]
    lie: frozenset[str]
    params: Mapping[str, dict[str, Any]] = field(compare=False)


@lru_cache(maxsize=32)
def _placed(placed: _Placed) -> Resolved:
    resolved = _resolved(placed.same)
    nodes = dict(resolved.nodes)
    for node_id, params in placed.params.items():
        instance = nodes[node_id].instance.model_copy(update={"params": params})
        nodes[node_id] = resolve_node(instance, resolved.catalog)
    return replace(resolved, nodes=nodes, lie_beside=placed.lie)


@lru_cache(maxsize=32)
def _resolved(key: _Same) -> Resolved:
    return resolve(key.flow, key.catalog)


def resolve_node(node: NodeInstance, catalog: Catalog) -> ResolvedNode:
    """Look one node up, check its params and derive its ports."""
    cls = catalog.get(node.kind)
    if cls is None:
        return ResolvedNode(node)
    try:
        node = upgrade_node(node, cls)
        params = cls.Params.model_validate(node.params)
    except (MigrationError, ValidationError) as error:
        return ResolvedNode(node, cls, error=error)
    try:
        return ResolvedNode(
            node,
            cls,
            params,
            inputs=cls.input_ports(params),
            outputs=cls.output_ports(params),
            exclusive=cls.exclusive_outputs(params),
            flow_input=cls.flow_input(params),
            flow_output=cls.flow_output(params),
            subflows=cls.subflows(params),
        )
    except Exception as error:  # a stranger's class; whatever it raises is said about this node
        return ResolvedNode(node, cls, error=error)
