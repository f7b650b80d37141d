"""Problems whose fix is mechanical: each as an operation and what its button says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patchbay.flows.checks.rules.base import Facts
from patchbay.flows.document.edit import fresh_id, ids
from patchbay.flows.document.graph import cycles
from patchbay.flows.document.model import NodeInstance, Place
from patchbay.flows.document.operations import (
    AddNode,
    Batch,
    Connect,
    Disable,
    EditGroup,
    Patch,
    Remove,
    Replace,
    SetParams,
)
from patchbay.flows.problems import Problem
from patchbay.studio.inspector import fixes_of_flows, fixes_of_nodes, fixes_of_wires
from patchbay.studio.inspector.fix import Fix


def fixes(facts: Facts, problem: Problem) -> list[Fix]:
    """The edits that would fix a problem of a flow; none where a person has to think.

    What would fit where is derived from the facts once, however many problems there are.
    """
    maker = MAKERS.get(problem.code)
    return maker(facts, problem) if maker else []


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


def _cycle(facts: Facts, problem: Problem) -> list[Fix]:
    """Any wire of the circle opens it; the one drawn last most likely closed it."""
    flow = facts.resolved.flow
    around = next((c for c in cycles(facts.resolved.links) if problem.node in c), None)
    if around is None:
        return []
    steps = set(zip(around, [*around[1:], around[0]], strict=True))
    wires = [e for e in flow.edges if (e.source_node, e.target_node) in steps]
    return [
        Fix(f"Remove {e.source} → {e.target}", fixes_of_wires.batch([e], "open the circle"))
        for e in wires[: -fixes_of_wires.SHOWN_WIRES - 1 : -1]
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


MAKERS: dict[str, Callable[[Facts, Problem], list[Fix]]] = {
    "wiring/unknown-node": fixes_of_wires.dangling,
    "wiring/unknown-port": fixes_of_wires.unknown_port,
    "wiring/duplicate": fixes_of_wires.duplicate,
    "wiring/type-mismatch": fixes_of_wires.mismatch,
    "wiring/required": fixes_of_wires.required,
    "wiring/many": fixes_of_wires.many,
    "structure/cycle": _cycle,
    "structure/duplicate-id": _duplicate_id,
    "structure/duplicate-input": _same_name,
    "structure/duplicate-output": _same_name,
    "structure/no-output": _no_output,
    "structure/layout": _layout,
    "structure/disabled": _disabled,
    "structure/unreachable": fixes_of_nodes.unreachable,
    "wiring/never": fixes_of_wires.never,
    "node/unknown-kind": fixes_of_nodes.unknown_kind,
    "node/missing-package": fixes_of_nodes.not_here,
    "node/version": fixes_of_nodes.other_version,
    "node/ports": fixes_of_nodes.refused,
    "node/description": fixes_of_nodes.refused,
    "node/refusal": fixes_of_nodes.refused,
    "params/invalid": fixes_of_nodes.invalid,
    "params/plain-secret": fixes_of_nodes.plain_secret,
    "params/variable": fixes_of_nodes.variable,
    "subflow/name": fixes_of_flows.choose,
    "subflow/missing": fixes_of_flows.choose,
    "subflow/unreadable": fixes_of_flows.look_inside,
    "subflow/broken": fixes_of_flows.look_inside,
    "subflow/recursion": fixes_of_flows.choose,
    "subflow/inputs": fixes_of_flows.inputs,
    "subflow/outputs": fixes_of_flows.outputs,
    "resources/memory": fixes_of_nodes.memory,
}
