"""Rules about wires: both ends exist and fit, and every port has as many as it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from patchbay.flows.checks.resolve import ResolvedNode
from patchbay.flows.checks.rules.base import Facts, Finding
from patchbay.flows.document.model import Edge
from patchbay.flows.wording import close_to, did_you_mean, listed, plural, quoted
from patchbay.nodes.contract import Port, Ports
from patchbay.nodes.values import compatible


def unknown_node(facts: Facts) -> Iterator[Finding]:
    """A wire begins or ends at a node that the flow does not have."""
    ids = list(facts.resolved.nodes)
    near: dict[str, list[str]] = {}
    for edge in facts.resolved.flow.edges:
        for gone, end, other in (
            (edge.source_node, edge.source, edge.target_node),
            (edge.target_node, edge.target, edge.source_node),
        ):
            if gone not in facts.resolved.nodes:
                message = f"The wire {_wire(edge)} needs {quoted(end)}, but there is no such node."
                if gone not in near:  # a search through all ids; after a few it is no help
                    near[gone] = close_to(gone, ids) if len(near) < 10 else []
                meant = near[gone]
                fix = f"Did you mean {listed(meant)}?" if meant else "Delete the wire."
                node = other if other in facts.resolved.nodes else None
                yield Finding(message, fix, node=node)


def unknown_port(facts: Facts) -> Iterator[Finding]:
    """A wire begins or ends at a port that the node does not have.

    Ports may follow params: a prompt has a port for each variable of its template, and loses it
    with the variable.
    """
    for edge in facts.resolved.flow.edges:
        source = facts.resolved.nodes.get(edge.source_node)
        if source and source.outputs and source.output(edge.source_port) is None:
            yield _no_port(facts, edge, source, source.outputs, edge.source_port, "gives")
        target = facts.resolved.nodes.get(edge.target_node)
        if target and target.inputs and target.input(edge.target_port) is None:
            yield _no_port(facts, edge, target, target.inputs, edge.target_port, "takes")


def _no_port(
    facts: Facts, edge: Edge, node: ResolvedNode, ports: type[Ports], name: str, verb: str
) -> Finding:
    known = [port.name for port in ports.declared.values() if not port.hidden]
    has = f"{verb} {listed(known, last='and')}" if known else f"{verb} nothing"
    message = (
        f"The wire {_wire(edge)} needs the port {quoted(name)}, but "
        f"{facts.name(node.instance.id)} {has}."
    )
    fix = did_you_mean(name, known, "Delete the wire.")
    return Finding(message, fix, node=node.instance.id, port=name)


def duplicate(facts: Facts) -> Iterator[Finding]:
    """Two wires join the same two ports.

    The value would be delivered twice.
    """
    flow = facts.resolved.flow
    for (source, target), count in Counter((e.source, e.target) for e in flow.edges).items():
        if count > 1:
            node, _, port = target.partition(".")
            message = f"{count} wires lead from {quoted(source)} to {quoted(target)}."
            fix = "Keep one of them."
            yield Finding(message, fix, node=node, port=port)


def type_mismatch(facts: Facts) -> Iterator[Finding]:
    """An output gives something else than the input takes.

    A type fits itself and its family: any chat model fits a port for a chat model. `any` fits
    everything, and the value is then checked when it arrives.
    """
    nodes = facts.resolved.nodes
    for edge in facts.resolved.flow.edges:
        source, target = nodes.get(edge.source_node), nodes.get(edge.target_node)
        given = source.output(edge.source_port) if source else None
        taken = target.input(edge.target_port) if target else None
        if given and taken and target and not compatible(given.type, taken.type):
            yield _mismatch(facts, edge, given, taken, target)


def _mismatch(facts: Facts, edge: Edge, given: Port, taken: Port, target: ResolvedNode) -> Finding:
    ends = (
        f"{facts.end(edge.source_node, edge.source_port)} gives {given.type}, but "
        f"{facts.end(edge.target_node, edge.target_port)} takes {taken.type}."
    )
    between = facts.offers.node_between(given.type, taken.type)
    others = [
        f"{edge.target_node}.{port.name}"
        for port in (target.inputs.declared.values() if target.inputs else ())
        if not port.hidden and port.name != taken.name and compatible(given.type, port.type)
    ]
    sources = facts.offers.sources_for(edge.target_node, taken)
    if between:
        fix = f"Put a {quoted(between)} node between them."
    elif others:
        fix = f"Wire it to {listed(others)}."
    elif sources:
        fix = f"Wire it from {listed(sources)} instead."
    else:
        fix = f"Wire it from something that gives {taken.type}."
    return Finding(ends, fix, node=edge.target_node, port=edge.target_port)


def required(facts: Facts) -> Iterator[Finding]:
    """An input that must be wired is not.

    An input without a default needs a wire; `patchbay nodes KIND` tells which do.
    """
    for node_id, node in facts.resolved.nodes.items():
        wires = facts.resolved.incoming[node_id]
        for port in node.inputs.declared.values() if node.inputs else ():
            if port.required and port.name not in wires:
                message = f"{facts.end(node_id, port.name)} takes {port.type} and has no wire."
                fix = _source_fix(facts, node_id, port)
                yield Finding(message, fix, node=node_id, port=port.name)


def _source_fix(facts: Facts, node_id: str, port: Port) -> str:
    sources = facts.offers.sources_for(node_id, port)
    if sources:
        return f"Wire it from {listed(sources)}."
    giving = facts.offers.node_giving(port.type)
    if giving:
        return f"Add a {quoted(giving[0])} node and wire it from its {quoted(giving[1])}."
    return f"Wire it from something that gives {port.type}."


def many(facts: Facts) -> Iterator[Finding]:
    """Several wires reach a port that takes one, and more than one may deliver.

    Wires from different ways of one branch may meet in a port, because only one of them delivers.
    """
    for node_id, node in facts.resolved.nodes.items():
        for name, edges in facts.resolved.incoming[node_id].items():
            if len(edges) < 2:
                continue
            port = node.input(name)
            if port is None or port.type.many:
                continue
            wires = list({edge.source: edge for edge in edges}.values())
            clash = facts.conditions.clash([edge for edge in wires if _counts(facts, edge)])
            if clash:
                yield _too_many(facts, node_id, port, wires, clash)


def _counts(facts: Facts, edge: Edge) -> bool:
    """Whether the wire may deliver; what is not known is given the benefit of the doubt."""
    source = facts.resolved.nodes.get(edge.source_node)
    known = source is not None and source.outputs is not None
    return known and edge.source_node not in facts.dead


def _too_many(
    facts: Facts, node_id: str, port: Port, wires: list[Edge], clash: tuple[Edge, Edge]
) -> Finding:
    first, second = (facts.end(edge.source_node, edge.source_port) for edge in clash)
    message = (
        f"{facts.end(node_id, port.name)} takes one wire, but {plural(len(wires), 'wire')} reach "
        f"it; {first} and {second} may both deliver in one run."
    )
    between = facts.offers.node_between(port.type, port.type, many=True)
    fix = "Remove one of them, or let them come from different ways of one branch."
    if between:
        fix = f"Remove one of them, or bring them together in a {quoted(between)} node."
    return Finding(message, fix, node=node_id, port=port.name)


def never(facts: Facts) -> Iterator[Finding]:
    """A node needs two ways of one branch at once, so it can never run."""
    if not any(node.exclusive for node in facts.nodes()):
        return
    for node_id in facts.resolved.nodes:
        condition = facts.conditions.node(node_id)
        if condition is None or not condition.impossible:
            continue
        before = {edge.source_node for edges in facts.wires_of(node_id) for edge in edges}
        if not any(_is_impossible(facts, source) for source in before):
            message = f"{facts.name(node_id)} needs several ways of one branch; only one is taken."
            fix = "Wire it from one way only, or make one of its inputs optional."
            yield Finding(message, fix, node=node_id)


def _is_impossible(facts: Facts, node_id: str) -> bool:
    condition = facts.conditions.node(node_id)
    return condition is not None and condition.impossible


def _wire(edge: Edge) -> str:
    return f"{edge.source} → {edge.target}"
