"""Problems whose fix is mechanical: each as an operation and what its button says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from patchbay.flows.checks.resolve import Resolved
from patchbay.flows.checks.rules.base import Facts
from patchbay.flows.document.edit import fresh_id, ids
from patchbay.flows.document.graph import cycles
from patchbay.flows.document.model import Edge, NodeInstance, Place
from patchbay.flows.document.operations import (
    AddNode,
    Batch,
    Connect,
    Disable,
    Disconnect,
    EditGroup,
    Patch,
    Remove,
    Replace,
    SetParams,
)
from patchbay.flows.problems import Problem
from patchbay.nodes.catalog import missing_packages
from patchbay.nodes.contract import Port, Ports
from patchbay.nodes.values import compatible
from patchbay.studio.inspector.following import givers

LABELS = {"model.gguf": "Add the local model"}
"""What the button says, where the title of the kind says less."""
SHOWN_WIRES = 3
"""Of how many wires of a circle the removal is offered."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A button: what it says, and the edit that it makes."""

    label: str
    operation: Any


def fixes(facts: Facts, problem: Problem) -> list[Fix]:
    """The edits that would fix a problem of a flow; none where a person has to think.

    What would fit where is derived from the facts once, however many problems there are.
    """
    maker = _MAKERS.get(problem.code)
    return maker(facts, problem) if maker else []


def _dangling(facts: Facts, problem: Problem) -> list[Fix]:
    flow = facts.resolved.flow
    there = flow.by_id()
    wires = [e for e in flow.edges if not {e.source_node, e.target_node} <= there.keys()]
    return _without(wires, "Remove the wire")


def _unknown_port(facts: Facts, problem: Problem) -> list[Fix]:
    flow = facts.resolved.flow
    node = facts.resolved.nodes.get(problem.node or "")
    if node is None or problem.port is None:
        return []
    end = f"{problem.node}.{problem.port}"
    wires = [
        edge
        for edge in flow.edges
        if (edge.source == end and node.output(problem.port) is None)
        or (edge.target == end and node.input(problem.port) is None)
    ]
    return _without(wires, "Remove the wire")


def _duplicate(facts: Facts, problem: Problem) -> list[Fix]:
    flow = facts.resolved.flow
    target = f"{problem.node}.{problem.port}"
    seen: set[str] = set()
    for edge in flow.edges:
        if edge.target == target:
            if edge.source in seen:
                once = Connect(source=edge.source, target=target)
                both = (Disconnect(source=edge.source, target=target), once)
                return [Fix("Keep one", Batch(ops=both, label="remove duplicate wire"))]
            seen.add(edge.source)
    return []


def _mismatch(facts: Facts, problem: Problem) -> list[Fix]:
    flow, resolved = facts.resolved.flow, facts.resolved
    wires = []
    for edge in flow.edges:
        if edge.target != f"{problem.node}.{problem.port}":
            continue
        source, target = resolved.nodes.get(edge.source_node), resolved.nodes.get(edge.target_node)
        given = source.output(edge.source_port) if source else None
        taken = target.input(edge.target_port) if target else None
        if given and taken and not compatible(given.type, taken.type):
            wires.append(edge)
    between = _between(facts, wires[0]) if len(wires) == 1 else None
    return ([between] if between else []) + _without(wires, "Remove the wire")


def _between(facts: Facts, edge: Edge) -> Fix | None:
    """The node that the problem names, put on the wire; None where it names none."""
    flow, resolved, offers = facts.resolved.flow, facts.resolved, facts.offers
    source, target = resolved.nodes[edge.source_node], resolved.nodes[edge.target_node]
    given, taken = source.output(edge.source_port), target.input(edge.target_port)
    title = offers.node_between(given.type, taken.type) if given and taken else None
    offer = next((offer for offer in offers.kinds if offer.cls.title == title), None)
    if offer is None or given is None or taken is None:
        return None
    # As the rules suggest it: a port for anything proves nothing, so nothing is wired into it.
    takers = [p for p in _seen(offer.inputs) if "any" not in p.type.ids]
    takers = [p for p in takers if compatible(given.type, p.type)]
    takers = [p for p in takers if p.required] or takers
    givers = [p for p in _seen(offer.outputs) if "any" not in p.type.ids]
    givers = [p for p in givers if compatible(p.type, taken.type)]
    if not takers or not givers:
        return None
    new = NodeInstance(
        id=fresh_id(offer.cls.title, ids(flow)), kind=offer.cls.kind, version=offer.cls.version
    )
    first, last = (flow.layout.get(end) for end in (edge.source_node, edge.target_node))
    at = Place(x=(first.x + last.x) / 2, y=(first.y + last.y) / 2) if first and last else None
    ops = (
        Disconnect(source=edge.source, target=edge.target),
        AddNode(node=new, at=at),
        Connect(source=edge.source, target=f"{new.id}.{takers[0].name}"),
        Connect(source=f"{new.id}.{givers[0].name}", target=edge.target),
    )
    label = f"Put a '{title}' between"
    return Fix(label, Batch(ops=ops, label="put a node between"))


def _seen(ports: type[Ports]) -> list[Port]:
    return [port for port in ports.declared.values() if not port.hidden]


def _required(facts: Facts, problem: Problem) -> list[Fix]:
    resolved = facts.resolved
    node = resolved.nodes.get(problem.node or "")
    port = node.input(problem.port) if node and problem.port else None
    if port is None or problem.node is None:
        return []
    wires = [
        Fix(f"Wire from {source}", Connect(source=source, target=f"{problem.node}.{port.name}"))
        for source in facts.offers.sources_for(problem.node, port, limit=2)
    ]
    return wires or _new_giver(facts.resolved, problem.node, port)


def _new_giver(resolved: Resolved, node_id: str, port: Port) -> list[Fix]:
    """Where nothing in the flow fits an input: the node that most often gives it elsewhere."""
    flow, catalog = resolved.flow, resolved.catalog
    known = givers().get(flow.by_id()[node_id].kind, {})
    others = (giver for found in known.values() for giver in found)
    for name, output in (*known.get(port.name, ()), *others):
        cls = catalog.get(name)
        given = cls.Outputs.declared.get(output) if cls else None
        if cls is None or missing_packages(cls) or given is None:
            continue
        if not compatible(given.type, port.type):
            continue
        new = NodeInstance(id=fresh_id(cls.title, ids(flow)), kind=name, version=cls.version)
        place = flow.layout.get(node_id)
        at = Place(x=place.x - 336, y=place.y + 96) if place else None
        wire = Connect(source=f"{new.id}.{output}", target=f"{node_id}.{port.name}")
        ops = (AddNode(node=new, at=at), wire)
        label = LABELS.get(name, f"Add “{cls.title}”")
        return [Fix(label, Batch(ops=ops, label=f"add {cls.title}"))]
    return []


def _many(facts: Facts, problem: Problem) -> list[Fix]:
    flow = facts.resolved.flow
    target = f"{problem.node}.{problem.port}"
    wires = [edge for edge in flow.edges if edge.target == target]
    if len(wires) < 2:
        return []
    return [Fix("Keep only the latest wire", _batch(wires[:-1], "keep the latest wire"))]


def _no_output(facts: Facts, problem: Problem) -> list[Fix]:
    flow, catalog, resolved = facts.resolved.flow, facts.resolved.catalog, facts.resolved
    kind = next((cls for cls in catalog if cls.flow_output(_defaults(cls)) is not None), None)
    leaf = next(
        (
            (node_id, port.name)
            for node_id, node in list(resolved.nodes.items())[::-1]
            if node.outputs and not resolved.outgoing[node_id] and node.flow_output is None
            for port in node.outputs.declared.values()
            if not port.hidden
        ),
        None,
    )
    if kind is None or leaf is None:
        return []
    new = NodeInstance(id=fresh_id(kind.title, ids(flow)), kind=kind.kind, version=kind.version)
    place = flow.layout.get(leaf[0])
    at = Place(x=place.x + 320, y=place.y) if place else None
    taker = next(iter(kind.Inputs.declared))
    wire = Connect(source=f"{leaf[0]}.{leaf[1]}", target=f"{new.id}.{taker}")
    return [
        Fix("Add an output", Batch(ops=(AddNode(node=new, at=at), wire), label="add an output"))
    ]


def _defaults(cls: Any) -> Any:
    from patchbay.nodes.declaration import default_params

    return default_params(cls)


def _layout(facts: Facts, problem: Problem) -> list[Fix]:
    flow = facts.resolved.flow
    there = ids(flow)
    gone = {key: None for key in flow.layout if key not in there}
    ops: list[Any] = [Patch(layout=gone)] if gone else []
    for group in flow.groups:
        if kept := [name for name in group.nodes if name in there]:
            if len(kept) < len(group.nodes):
                ops.append(EditGroup(group=group.id, nodes=tuple(kept)))
        elif group.nodes:
            ops.append(Remove(groups=(group.id,)))
    return [Fix("Tidy up", Batch(ops=tuple(ops), label="tidy up"))] if ops else []


def _disabled(facts: Facts, problem: Problem) -> list[Fix]:
    flow = facts.resolved.flow
    off = tuple(node.id for node in flow.nodes if node.disabled)
    node = problem.node
    if node in off:
        return [Fix("Switch it on", Disable(nodes=(node,), disabled=False))]
    return [Fix("Switch them on", Disable(nodes=off, disabled=False))] if off else []


def _invalid(facts: Facts, problem: Problem) -> list[Fix]:
    flow, catalog = facts.resolved.flow, facts.resolved.catalog
    node = flow.by_id().get(problem.node or "")
    cls = catalog.get(node.kind) if node else None
    name = problem.param
    if node is None or cls is None or name is None or name not in node.params:
        return []
    known = cls.Params.model_fields.get(name)
    if known is None:
        return [Fix("Remove it", SetParams(node=node.id, unset=(name,)))]
    if known.is_required():
        return []
    return [Fix("Back to default", SetParams(node=node.id, unset=(name,)))]


def _unreachable(facts: Facts, problem: Problem) -> list[Fix]:
    if problem.node is None:
        return []
    return [Fix("Delete the node", Remove(nodes=(problem.node,)))]


def _cycle(facts: Facts, problem: Problem) -> list[Fix]:
    """Any wire of the circle opens it; the one drawn last most likely closed it."""
    flow = facts.resolved.flow
    around = next((c for c in cycles(facts.resolved.links) if problem.node in c), None)
    if around is None:
        return []
    steps = set(zip(around, [*around[1:], around[0]], strict=True))
    wires = [e for e in flow.edges if (e.source_node, e.target_node) in steps]
    return [
        Fix(f"Remove {edge.source} → {edge.target}", _batch([edge], "open the circle"))
        for edge in wires[: -SHOWN_WIRES - 1 : -1]
    ]


def _duplicate_id(facts: Facts, problem: Problem) -> list[Fix]:
    """The first keeps the id, the wires and the place; each other one gets an id of its own."""
    flow = facts.resolved.flow
    taken, seen = set(ids(flow)), set[str]()

    def own(item: Any) -> Any:
        if item.id != problem.node:
            return item
        if item.id not in seen:
            seen.add(item.id)
            return item
        new = fresh_id(item.id, taken)
        taken.add(new)
        return item.model_copy(update={"id": new})

    parts = {name: tuple(map(own, getattr(flow, name))) for name in ("nodes", "notes", "groups")}
    fixed = flow.model_copy(update=parts)
    new = sorted(ids(fixed) - ids(flow))
    if not new:
        return []
    label = f"Call the other {new[0]}" if len(new) == 1 else "Give the others their own ids"
    return [Fix(label, Replace(flow=fixed))]


def _same_name(facts: Facts, problem: Problem) -> list[Fix]:
    """Another name for the second input or output, where the param that names it is called so."""
    flow, catalog = facts.resolved.flow, facts.resolved.catalog
    node = flow.by_id().get(problem.node or "")
    cls = catalog.get(node.kind) if node else None
    if node is None or cls is None or "name" not in cls.Params.model_fields:
        return []
    now = node.params.get("name", cls.Params.model_fields["name"].default)
    taken = {str(other.params.get("name", now)) for other in flow.nodes}
    new = next(f"{now}_{number}" for number in range(2, 1000) if f"{now}_{number}" not in taken)
    return [Fix(f"Call it {new}", SetParams(node=node.id, params={"name": new}))]


def _without(wires: list[Edge], label: str) -> list[Fix]:
    if not wires:
        return []
    many = "" if len(wires) == 1 else "s"
    return [Fix(label + many, _batch(wires, "remove wires"))]


def _batch(wires: list[Edge], label: str) -> Batch:
    ends = dict.fromkeys((edge.source, edge.target) for edge in wires)
    return Batch(ops=tuple(Disconnect(source=s, target=t) for s, t in ends), label=label)


_MAKERS: dict[str, Callable[[Facts, Problem], list[Fix]]] = {
    "wiring/unknown-node": _dangling,
    "wiring/unknown-port": _unknown_port,
    "wiring/duplicate": _duplicate,
    "wiring/type-mismatch": _mismatch,
    "wiring/required": _required,
    "wiring/many": _many,
    "structure/cycle": _cycle,
    "structure/duplicate-id": _duplicate_id,
    "structure/duplicate-input": _same_name,
    "structure/duplicate-output": _same_name,
    "structure/no-output": _no_output,
    "structure/layout": _layout,
    "structure/disabled": _disabled,
    "structure/unreachable": _unreachable,
    "params/invalid": _invalid,
}
