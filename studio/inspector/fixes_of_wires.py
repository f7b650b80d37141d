"""What fixes a wire by one edit: another end, a node between, a node that gives, one less."""

from __future__ import annotations

from patchbay.flows.checks.resolve import Resolved
from patchbay.flows.checks.rules.base import Facts
from patchbay.flows.document.edit import fresh_id, ids
from patchbay.flows.document.model import Edge, NodeInstance, Place
from patchbay.flows.document.operations import (
    AddNode,
    Batch,
    Connect,
    Disable,
    Disconnect,
    Replug,
    Wire,
)
from patchbay.flows.problems import Problem
from patchbay.flows.wording import close_to
from patchbay.nodes.catalog import missing_packages
from patchbay.nodes.contract import Port, Ports
from patchbay.nodes.values import compatible
from patchbay.studio.inspector.fix import Fix
from patchbay.studio.inspector.following import givers

LABELS = {"model.gguf": "Add the local model"}
"""What the button says, where the title of the kind says less."""
SHOWN_WIRES = 3
"""Of how many wires of a circle the removal is offered."""


def dangling(facts: Facts, problem: Problem) -> list[Fix]:
    flow = facts.resolved.flow
    there = flow.by_id()
    wires = [e for e in flow.edges if not {e.source_node, e.target_node} <= there.keys()]
    return [*_meant(facts, wires), *without(wires, "Remove the wire")]


def _meant(facts: Facts, wires: list[Edge]) -> list[Fix]:
    """A wire with one end that is not there, at the end that is called almost so."""
    nodes = facts.resolved.nodes
    if len(wires) != 1:
        return []
    (wire,) = wires
    old = Wire(source=wire.source, target=wire.target)
    found = []
    for end, sends in ((wire.source, True), (wire.target, False)):
        node_id, _, name = end.partition(".")

        def has(one: str, port: str, *, gives: bool = sends) -> bool:
            there = nodes.get(one)
            return bool(there and (there.output(port) if gives else there.input(port)))

        if has(node_id, name):
            continue
        node = nodes.get(node_id)
        ports = (node.outputs if sends else node.inputs) if node else None
        if ports:
            known = [port.name for port in _seen(ports)]
            near = [f"{node_id}.{port}" for port in close_to(name, known, 1)]
        else:
            known = [one for one in close_to(node_id, list(nodes), 2) if has(one, name)]
            near = [f"{one}.{name}" for one in known[:1]]
        for meant in near:
            ends = {"source": meant} if sends else {"target": meant}
            new = old.model_copy(update=ends)
            way = "from" if sends else "to"
            found.append(Fix(f"Wire it {way} {meant}", Replug(old=old, new=new)))
    return found if len(found) == 1 else []


def unknown_port(facts: Facts, problem: Problem) -> list[Fix]:
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
    return [*_meant(facts, wires), *without(wires, "Remove the wire")]


def duplicate(facts: Facts, problem: Problem) -> list[Fix]:
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


def mismatch(facts: Facts, problem: Problem) -> list[Fix]:
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
    return ([between] if between else []) + without(wires, "Remove the wire")


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


def required(facts: Facts, problem: Problem) -> list[Fix]:
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


def many(facts: Facts, problem: Problem) -> list[Fix]:
    flow = facts.resolved.flow
    target = f"{problem.node}.{problem.port}"
    wires = [edge for edge in flow.edges if edge.target == target]
    if len(wires) < 2:
        return []
    return [Fix("Keep only the latest wire", batch(wires[:-1], "keep the latest wire"))]


def never(facts: Facts, problem: Problem) -> list[Fix]:
    """One way less, of those that the node can do without."""
    node = facts.resolved.nodes.get(problem.node or "")
    if node is None or problem.node is None:
        return []
    found = []
    for name, wires in facts.resolved.incoming[problem.node].items():
        port = node.input(name)
        if port is not None and not port.required:
            found += [Fix(f"Remove {e.source} → {e.target}", batch([e], "one way")) for e in wires]
    return [*found[:SHOWN_WIRES], Fix("Switch it off", Disable(nodes=(problem.node,)))]


def without(wires: list[Edge], label: str) -> list[Fix]:
    if not wires:
        return []
    many = "" if len(wires) == 1 else "s"
    return [Fix(label + many, batch(wires, "remove wires"))]


def batch(wires: list[Edge], label: str) -> Batch:
    ends = dict.fromkeys((edge.source, edge.target) for edge in wires)
    return Batch(ops=tuple(Disconnect(source=s, target=t) for s, t in ends), label=label)
