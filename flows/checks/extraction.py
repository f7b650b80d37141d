"""A selection made into a flow of its own, which one node of the old flow runs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from patchbay.flows.checks.border import Border, Crossing, border
from patchbay.flows.checks.resolve import Resolved, resolve_once
from patchbay.flows.checks.validate import validate_resolved
from patchbay.flows.document.edit import EditError, fresh_id, ids
from patchbay.flows.document.model import Edge, Flow, Group, NodeInstance, Place
from patchbay.flows.document.variables import references
from patchbay.flows.problems import errors
from patchbay.nodes.values import KIND_TYPES

COLUMN = 320
"""Canvas pixels between a node and the input or output beside it."""
ROW = 130
"""Canvas pixels between inputs, and between outputs."""
WIDE, HIGH = 250, 120
"""Canvas pixels that a node takes, with a little air."""
RUN_FLOW = "logic.run_flow"
INPUT, OUTPUT = "io.input", "io.output"


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a selection becomes.

    `flow` is the new flow, `rest` what is left of the old one; its node `node` runs the new flow.
    `copied` are the titles of descriptions (a model, a tool) that are in both.
    """

    flow: Flow
    rest: Flow
    node: str
    copied: tuple[str, ...] = ()

    def running(self, name: str) -> Flow:
        """The rest, its node set to run the flow of this name."""
        return self.rest.with_params({self.node: {"flow": name}})


def extract(resolved: Resolved, chosen: Collection[str], title: str = "") -> Extraction:
    """Make a flow of the chosen nodes, and of the chosen notes.

    Every wire that crosses the border of the selection becomes an input or an output of the new
    flow, named after the port (or the input or output of the old flow) at its other end. One value
    that several nodes take is one input.

    Args:
        resolved: the flow.
        chosen: ids of nodes, and of notes.
        title: what the new flow is called; the title of its last node unless given.

    Raises:
        EditError: the selection cannot be a flow; says why and what to choose instead.
    """
    cut = border(resolved, chosen)
    title = " ".join(title.split())[:300] or resolved.nodes[cut.inside[-1]].title
    flow = _inner(resolved, cut, set(chosen), title)
    rest, node = _outer(resolved, cut, set(chosen), title)
    _refuse_new_errors(resolved, flow, rest)
    copied = tuple(resolved.nodes[i].title for i in cut.inside if i not in cut.gone)
    return Extraction(flow, rest, node, copied)


def _refuse_new_errors(resolved: Resolved, flow: Flow, rest: Flow) -> None:
    """What was right before must be right afterwards."""
    before = {(p.code, p.node) for p in errors(validate_resolved(resolved))}
    for made in (flow, rest):
        for problem in errors(validate_resolved(resolve_once(made, resolved.catalog))):
            if (problem.code, problem.node) not in before and problem.code != "subflow/name":
                raise EditError(f"This selection cannot be a flow of its own. {problem.message}")


# --- the new flow ---------------------------------------------------------------------------------


def _inner(resolved: Resolved, cut: Border, chosen: set[str], title: str) -> Flow:
    old = resolved.flow
    moved = set(cut.inside)
    notes = tuple(note for note in old.notes if note.id in chosen)
    groups = tuple(_kept(old.groups, moved))
    here = moved | {note.id for note in notes} | {group.id for group in groups}
    layout = {key: place for key, place in old.layout.items() if key in here}
    nodes = [node for node in old.nodes if node.id in moved]
    used = {name for node in nodes for name in references(node.params)}
    into, inputs = _ends(cut.inputs, INPUT, here)
    out, outputs = _ends(cut.outputs, OUTPUT, here | {node.id for node in inputs})
    edges = [
        Edge(source=f"{into[edge.source]}.value", target=edge.target) if cut.enters(edge) else edge
        for edge in old.edges
        if edge.target_node in moved and (cut.enters(edge) or edge.source_node in moved)
    ]
    edges += [Edge(source=each.source, target=f"{out[each.source]}.value") for each in cut.outputs]
    return Flow(
        name=title,
        variables=tuple(each for each in old.variables if each.name in used),
        nodes=(*inputs, *nodes, *outputs),
        edges=tuple(edges),
        notes=notes,
        groups=groups,
        layout=_with_ends(layout, moved, inputs, outputs),
    )


def _ends(
    crossings: tuple[Crossing, ...], kind: str, taken: set[str]
) -> tuple[dict[str, str], list[NodeInstance]]:
    """The new flow's inputs or outputs: their ids by what is wired to them, and their nodes."""
    by_source: dict[str, str] = {}
    made: list[NodeInstance] = []
    for each in crossings:
        node_id = fresh_id(each.name, {*taken, *by_source.values()})
        params: dict[str, Any] = {"name": each.name}
        if kind == INPUT and each.kind != "text":
            params["kind"] = each.kind
        by_source[each.source] = node_id
        made.append(NodeInstance(id=node_id, kind=kind, params=params))
    return by_source, made


def _with_ends(
    layout: dict[str, Place],
    moved: set[str],
    inputs: list[NodeInstance],
    outputs: list[NodeInstance],
) -> dict[str, Place]:
    """Inputs at the left and outputs at the right of nodes that have places."""
    places = [place for key, place in layout.items() if key in moved]
    if not places:
        return layout
    left, right = min(p.x for p in places) - COLUMN, max(p.x for p in places) + COLUMN
    top = min(p.y for p in places)
    found = dict(layout)
    for x, ends in ((left, inputs), (right, outputs)):
        for row, node in enumerate(ends):
            found[node.id] = Place(x=x, y=top + row * ROW)
    return found


def _kept(groups: tuple[Group, ...], nodes: set[str], *, all_of: bool = True) -> Iterator[Group]:
    """Groups that lie among these nodes wholly; or (not `all_of`) what is left of all."""
    for group in groups:
        members = tuple(each for each in group.nodes if each in nodes)
        if not group.nodes or (all_of and len(members) < len(group.nodes)):
            if not all_of:
                yield group
            continue
        if members:
            yield (
                group
                if len(members) == len(group.nodes)
                else group.model_copy(update={"nodes": members})
            )


# --- what is left ---------------------------------------------------------------------------------


def _outer(resolved: Resolved, cut: Border, chosen: set[str], title: str) -> tuple[Flow, str]:
    old = resolved.flow
    left = [node for node in old.nodes if node.id not in cut.gone]
    notes = tuple(note for note in old.notes if note.id not in chosen)
    groups = tuple(_kept(old.groups, {node.id for node in left}, all_of=False))
    taken = ids(_with_parts(old, left, notes, groups))
    made = _runner(cut, fresh_id(title, taken), title)
    index = min(i for i, node in enumerate(old.nodes) if node.id in cut.gone)
    nodes = [*left[:index], made, *left[index:]]
    layout = {key: place for key, place in old.layout.items() if key in taken}
    places = [old.layout[i] for i in cut.gone if i in old.layout]
    if places:
        others = [layout[node.id] for node in left if node.id in layout]
        layout[made.id] = _between(places, others)
    edges = tuple(dict.fromkeys((e.source, e.target) for e in _rewired(old, cut, made.id)))
    flow = _with_parts(old, nodes, notes, groups).model_copy(
        update={"edges": tuple(Edge(source=a, target=b) for a, b in edges), "layout": layout}
    )
    return flow, made.id


def _between(places: list[Place], others: list[Place]) -> Place:
    """In the middle of places; where another node lies, that of them which is nearest to it."""
    x, y = (sum(getattr(p, axis) for p in places) / len(places) for axis in "xy")
    near = sorted(places, key=lambda p: (math.hypot(p.x - x, p.y - y), -p.x, p.y))
    found = [Place(x=round(x / 20) * 20, y=round(y / 20) * 20)]
    found += [Place(x=p.x, y=p.y) for p in near]

    def is_free(place: Place) -> bool:
        return all(abs(place.x - o.x) >= WIDE or abs(place.y - o.y) >= HIGH for o in others)

    return next(filter(is_free, found), found[0])


def _with_parts(flow: Flow, nodes: Any, notes: Any, groups: Any) -> Flow:
    """The flow with other nodes, notes and groups."""
    return flow.model_copy(
        update={"nodes": tuple(nodes), "notes": tuple(notes), "groups": tuple(groups)}
    )


def _rewired(old: Flow, cut: Border, node: str) -> Iterator[Edge]:
    """The wires of the old flow, each in its place in the order."""
    inputs = {each.source: each.name for each in cut.inputs}
    outputs = {each.source: each.name for each in cut.outputs}
    for edge in old.edges:
        if cut.enters(edge) and edge.target_node in cut.gone:
            yield Edge(source=edge.source, target=f"{node}.{inputs[edge.source]}")
        elif cut.leaves(edge):
            yield Edge(source=f"{node}.{outputs[edge.source]}", target=edge.target)
        elif edge.source_node not in cut.gone and edge.target_node not in cut.gone:
            yield edge


def _runner(cut: Border, node_id: str, title: str) -> NodeInstance:
    def kinds(crossings: tuple[Crossing, ...]) -> dict[str, Any]:
        return {each.name: each.kind if each.kind in KIND_TYPES else "any" for each in crossings}

    params = {"flow": "", "inputs": kinds(cut.inputs), "outputs": kinds(cut.outputs)}
    return NodeInstance(id=node_id, kind=RUN_FLOW, title=title, params=params)
