"""What each operation does to a flow. `patchbay.flows.document.edit` is the way in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from patchbay.flows.document.model import Edge, Flow, NodeInstance, Place, RunPolicy
from patchbay.flows.document.operations import (
    AddGroup,
    AddNode,
    AddNote,
    Connect,
    Disable,
    Disconnect,
    EditGroup,
    EditNote,
    Move,
    Patch,
    Remove,
    Rename,
    Replace,
    Replug,
    SetId,
    SetMeta,
    SetParams,
    SetRun,
)
from patchbay.flows.document.patch import EditError, apply_patch


def ids(flow: Flow) -> set[str]:
    """Every id on the canvas: nodes, notes and groups share one space, as the layout does."""
    return {item.id for items in (flow.nodes, flow.notes, flow.groups) for item in items}


def _claim(flow: Flow, new_id: str) -> None:
    if new_id in ids(flow):
        raise EditError(f'There is already something called "{new_id}" here.')


def _node(flow: Flow, node_id: str) -> NodeInstance:
    try:
        return flow.node(node_id)
    except KeyError:
        raise EditError(f'There is no node "{node_id}".') from None


def _with_node(flow: Flow, node_id: str, update: Callable[[NodeInstance], dict[str, Any]]) -> Flow:
    _node(flow, node_id)
    nodes = tuple(n.model_copy(update=update(n)) if n.id == node_id else n for n in flow.nodes)
    return flow.model_copy(update={"nodes": nodes})


def _placed(flow: Flow, key: str, place: Place | None) -> dict[str, Place]:
    return flow.layout if place is None else {**flow.layout, key: place}


# --- nodes --------------------------------------------------------------------------------------


def _add_node(flow: Flow, op: AddNode) -> Flow:
    _claim(flow, op.node.id)
    layout = _placed(flow, op.node.id, op.at)
    return flow.model_copy(update={"nodes": (*flow.nodes, op.node), "layout": layout})


def _remove(flow: Flow, op: Remove) -> Flow:
    edges = {(edge.source, edge.target) for edge in op.edges}
    nodes, gone = set(op.nodes), {*op.nodes, *op.notes, *op.groups}
    found = gone & ids(flow) or edges & {(e.source, e.target) for e in flow.edges}
    if not found:
        raise EditError("What should be removed is not there any more.")
    keep = [
        e
        for e in flow.edges
        if (e.source, e.target) not in edges and not {e.source_node, e.target_node} & nodes
    ]
    groups = [
        g.model_copy(update={"nodes": tuple(n for n in g.nodes if n not in nodes)})
        if nodes & set(g.nodes)
        else g
        for g in flow.groups
        if g.id not in op.groups
    ]
    return flow.model_copy(
        update={
            "nodes": tuple(n for n in flow.nodes if n.id not in nodes),
            "edges": tuple(keep),
            "notes": tuple(n for n in flow.notes if n.id not in op.notes),
            "groups": tuple(groups),
            "layout": {k: p for k, p in flow.layout.items() if k not in gone},
        }
    )


def _set_params(flow: Flow, op: SetParams) -> Flow:
    def update(node: NodeInstance) -> dict[str, Any]:
        kept = {k: v for k, v in node.params.items() if k not in op.unset}
        return {"params": {**kept, **op.params}}

    return _with_node(flow, op.node, update)


def _rename(flow: Flow, op: Rename) -> Flow:
    return _with_node(flow, op.node, lambda _: {"title": op.title or None})


def _set_run(flow: Flow, op: SetRun) -> Flow:
    def update(node: NodeInstance) -> dict[str, Any]:
        return {"run": RunPolicy.model_validate({**node.run.model_dump(), **op.run})}

    try:
        return _with_node(flow, op.node, update)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise EditError(f'"{where}" of "{op.node}": {first["msg"]}.') from None


def _disable(flow: Flow, op: Disable) -> Flow:
    for node_id in op.nodes:
        flow = _with_node(flow, node_id, lambda _: {"disabled": op.disabled})
    return flow


def _set_id(flow: Flow, op: SetId) -> Flow:
    _node(flow, op.node)
    if op.id == op.node:
        return flow
    _claim(flow, op.id)

    def moved(end: str) -> str:
        node, _, port = end.partition(".")
        return f"{op.id}.{port}" if node == op.node else end

    edges = tuple(Edge(source=moved(e.source), target=moved(e.target)) for e in flow.edges)
    groups = tuple(
        g.model_copy(update={"nodes": tuple(op.id if n == op.node else n for n in g.nodes)})
        for g in flow.groups
    )
    layout = {op.id if key == op.node else key: place for key, place in flow.layout.items()}
    flow = _with_node(flow, op.node, lambda _: {"id": op.id})
    return flow.model_copy(update={"edges": edges, "groups": groups, "layout": layout})


# --- wires --------------------------------------------------------------------------------------


def _check_wire(flow: Flow, wire: Edge) -> None:
    _node(flow, wire.source_node)
    _node(flow, wire.target_node)
    if wire.source_node == wire.target_node:
        raise EditError(f'"{wire.source_node}" cannot be wired to itself.')


def _connect(flow: Flow, op: Connect) -> Flow:
    wire = Edge(source=op.source, target=op.target)
    _check_wire(flow, wire)
    if wire in flow.edges:
        raise EditError(f'"{op.source}" is already wired to "{op.target}".')
    edges = [e for e in flow.edges if not (op.replace and e.target == op.target)]
    return flow.model_copy(update={"edges": (*edges, wire)})


def _disconnect(flow: Flow, op: Disconnect) -> Flow:
    edges = tuple(e for e in flow.edges if (e.source, e.target) != (op.source, op.target))
    if len(edges) == len(flow.edges):
        raise EditError(f'There is no wire from "{op.source}" to "{op.target}".')
    return flow.model_copy(update={"edges": edges})


def _replug(flow: Flow, op: Replug) -> Flow:
    old = Edge(source=op.old.source, target=op.old.target)
    new = Edge(source=op.new.source, target=op.new.target)
    if old not in flow.edges:
        raise EditError(f'There is no wire from "{old.source}" to "{old.target}".')
    if old == new:
        return flow
    _check_wire(flow, new)
    if new in flow.edges:
        raise EditError(f'"{new.source}" is already wired to "{new.target}".')
    edges = [
        new if e == old else e
        for e in flow.edges
        if e == old or not (op.replace and e.target == new.target)
    ]
    return flow.model_copy(update={"edges": tuple(edges)})


# --- the rest -----------------------------------------------------------------------------------


def _move(flow: Flow, op: Move) -> Flow:
    there = ids(flow)
    layout = dict(flow.layout)
    for key, place in op.places.items():
        if key in there:
            old = layout.get(key, place)
            size = {"w": place.w or old.w, "h": place.h or old.h}
            layout[key] = place.model_copy(update=size)
    if not there & op.places.keys():
        raise EditError("What should be moved is not there any more.")
    return flow.model_copy(update={"layout": layout})


def _add_note(flow: Flow, op: AddNote) -> Flow:
    _claim(flow, op.note.id)
    layout = _placed(flow, op.note.id, op.at)
    return flow.model_copy(update={"notes": (*flow.notes, op.note), "layout": layout})


def _edit_note(flow: Flow, op: EditNote) -> Flow:
    if all(note.id != op.note for note in flow.notes):
        raise EditError(f'There is no note "{op.note}".')
    update = {k: v for k, v in (("text", op.text), ("color", op.color)) if v is not None}
    notes = tuple(n.model_copy(update=update) if n.id == op.note else n for n in flow.notes)
    return flow.model_copy(update={"notes": notes})


def _group(flow: Flow, op: AddGroup) -> Flow:
    _claim(flow, op.group.id)
    for node_id in op.group.nodes:
        _node(flow, node_id)
    groups = (*_without_members(flow, set(op.group.nodes)), op.group)
    layout = _placed(flow, op.group.id, op.at)
    return flow.model_copy(update={"groups": groups, "layout": layout})


def _edit_group(flow: Flow, op: EditGroup) -> Flow:
    if all(group.id != op.group for group in flow.groups):
        raise EditError(f'There is no group "{op.group}".')
    fields = (("title", op.title), ("folded", op.folded), ("nodes", op.nodes))
    update = {key: value for key, value in fields if value is not None}
    for node_id in op.nodes or ():
        _node(flow, node_id)
    others = _without_members(flow, set(op.nodes or ()))
    groups = tuple(g.model_copy(update=update) if g.id == op.group else g for g in others)
    return flow.model_copy(update={"groups": groups})


def _without_members(flow: Flow, members: set[str]) -> list[Any]:
    return [
        g.model_copy(update={"nodes": tuple(n for n in g.nodes if n not in members)})
        if members & set(g.nodes)
        else g
        for g in flow.groups
    ]


def _set_meta(flow: Flow, op: SetMeta) -> Flow:
    fields = (
        ("name", op.name),
        ("description", op.description),
        ("variables", op.variables),
    )
    return flow.model_copy(update={key: value for key, value in fields if value is not None})


def _replace(flow: Flow, op: Replace) -> Flow:
    return op.flow


HANDLERS: dict[type[Any], Callable[[Flow, Any], Flow]] = {
    AddNode: _add_node,
    Remove: _remove,
    Connect: _connect,
    Disconnect: _disconnect,
    Replug: _replug,
    SetParams: _set_params,
    Rename: _rename,
    SetId: _set_id,
    SetRun: _set_run,
    Disable: _disable,
    Move: _move,
    AddNote: _add_note,
    EditNote: _edit_note,
    AddGroup: _group,
    EditGroup: _edit_group,
    SetMeta: _set_meta,
    Replace: _replace,
    Patch: apply_patch,
}
