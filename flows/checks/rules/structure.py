"""Rules about the flow as a whole: its order, what it gives, and what is left over."""

from __future__ import annotations

from collections.abc import Iterator

from patchbay.flows.checks.rules.base import Facts, Finding
from patchbay.flows.document.graph import ancestors, cycles
from patchbay.flows.document.model import Flow
from patchbay.flows.wording import listed, quoted


def duplicate_id(facts: Facts) -> Iterator[Finding]:
    """Two nodes, notes or groups have one id.

    Wires and places on the canvas name ids, so each must be the only one.
    """
    flow = facts.resolved.flow
    seen: set[str] = set()
    told: set[str] = set()
    for name in _ids(flow):
        if name in seen and name not in told:
            told.add(name)
            message = f"The id {quoted(name)} is used more than once."
            yield Finding(message, "Give each its own id.", node=name)
        seen.add(name)


def _ids(flow: Flow) -> list[str]:
    return [
        *(node.id for node in flow.nodes),
        *(note.id for note in flow.notes),
        *(group.id for group in flow.groups),
    ]


def cycle(facts: Facts) -> Iterator[Finding]:
    """Nodes wait for each other in a circle, so none of them could ever start.

    The nodes are named in the order of the wires. To repeat something, put it into a flow of its
    own and run that for each item.
    """
    for nodes in cycles(facts.resolved.links):
        shown = nodes if len(nodes) <= 12 else [*nodes[:11], f"… {len(nodes) - 11} more …"]
        way = " → ".join([*shown, nodes[0]])
        pairs = set(zip(nodes, [*nodes[1:], nodes[0]], strict=True))
        wires = [
            f"{edge.source} → {edge.target}"
            for edge in facts.resolved.flow.edges
            if (edge.source_node, edge.target_node) in pairs
        ]
        last = wires[-1] if len(wires) == 1 else listed(wires, limit=4)
        message = f"These nodes wait for each other: {way}."
        yield Finding(message, f"Remove the wire {last}.", node=nodes[0])


def no_output(facts: Facts) -> Iterator[Finding]:
    """The flow has no output, so running it gives nothing back."""
    unresolved = any(node.params is None for node in facts.nodes())
    if facts.outputs or unresolved:  # an unknown node may well be the output
        return
    titles = list(
        dict.fromkeys(
            offer.cls.title for offer in facts.offers.kinds if _is_output(facts, offer.cls.kind)
        )
    )
    fix = f"Add {listed(titles)} from the palette." if titles else "Add a node that is an output."
    yield Finding("The flow has no output.", fix)


def _is_output(facts: Facts, kind: str) -> bool:
    from patchbay.nodes.declaration import default_params

    cls = facts.resolved.catalog.get(kind)
    params = default_params(cls) if cls else None
    return cls is not None and params is not None and cls.flow_output(params) is not None


def unreachable(facts: Facts) -> Iterator[Finding]:
    """What a node makes leads to no output of the flow, so it is not used."""
    if not facts.outputs:
        return
    ends = [
        node_id
        for node_id, node in facts.resolved.nodes.items()
        if node.flow_output is not None or node.outputs is None or not node.outputs.declared
    ]
    used = ancestors(facts.resolved.links, ends)
    for node_id, node in facts.resolved.nodes.items():
        if node_id not in used and not node.instance.disabled:
            message = f"{facts.name(node_id)} leads to no output of the flow."
            fix = "Wire it on, disable it, or delete it."
            yield Finding(message, fix, node=node_id)


def duplicate_input(facts: Facts) -> Iterator[Finding]:
    """Two nodes ask the caller for an input of the same name."""
    names = {
        node_id: node.flow_input.name
        for node_id, node in facts.resolved.nodes.items()
        if node.flow_input and not node.instance.disabled
    }
    yield from _same_names(facts, names, "input")


def duplicate_output(facts: Facts) -> Iterator[Finding]:
    """Two nodes give an output of the flow the same name."""
    nodes = facts.resolved.nodes
    names = {i: name for i, name in facts.outputs.items() if not nodes[i].instance.disabled}
    yield from _same_names(facts, names, "output")


def _same_names(facts: Facts, names: dict[str, str], what: str) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for node_id, name in names.items():
        other = first.setdefault(name, node_id)
        if other != node_id:
            message = (
                f"{facts.name(node_id)} and {facts.name(other)} are both the {what} "
                f"{quoted(name)} of the flow."
            )
            yield Finding(message, "Give one of them another name.", node=node_id)


def disabled(facts: Facts) -> Iterator[Finding]:
    """An output of the flow stays empty because a node that it depends on is disabled."""
    for node_id, name in facts.outputs.items():
        cause = facts.dead.get(node_id)
        if cause == node_id:
            message = f"{facts.name(node_id)} is disabled, so the output {quoted(name)} is empty."
        elif cause:
            message = (
                f"The output {quoted(name)} stays empty: it depends on {facts.name(cause)}, "
                "which is disabled."
            )
        else:
            continue
        fix = f"Enable {quoted(cause)}, or wire the output from something else."
        yield Finding(message, fix, node=node_id)


def layout(facts: Facts) -> Iterator[Finding]:
    """The canvas keeps a place for, or a group holds, something that is not in the flow.

    It does no harm and goes away when the flow is next saved in the studio.
    """
    flow = facts.resolved.flow
    known = set(_ids(flow))
    gone = [name for name in flow.layout if name not in known]
    if gone:
        message = f"The layout has a place for {listed(gone, last='and')}, not in the flow."
        yield Finding(message, "Remove it there.")
    for group in flow.groups:
        absent = [name for name in group.nodes if name not in known]
        if absent:
            message = f"The group {quoted(group.id)} holds {listed(absent, last='and')}, "
            message += "not in the flow."
            yield Finding(message, "Remove it there.")
