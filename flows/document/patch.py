"""The difference of two flows as an operation, and putting it on: undo is `diff(after, before)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from patchbay.flows.document.model import Edge, Flow, Group, NodeInstance, Note
from patchbay.flows.document.operations import (
    EdgeSlot,
    GroupSlot,
    NodeSlot,
    NoteSlot,
    Patch,
    Slot,
    Wire,
)

T = TypeVar("T", NodeInstance, Edge, Note, Group)


class EditError(Exception):
    """An edit that cannot be made, in words."""


def edge_key(edge: Edge | Wire) -> str:
    """How a patch names a wire."""
    return f"{edge.source}>{edge.target}"


def item_key(item: NodeInstance | Edge | Note | Group) -> str:
    """How a patch names anything."""
    return edge_key(item) if isinstance(item, Edge) else item.id


def diff(before: Flow, after: Flow) -> Patch:
    """The smallest patch that turns `before` into `after`."""
    changes: dict[str, Any] = {}
    if before.name != after.name:
        changes["name"] = after.name
    if before.description != after.description:
        changes["description"] = after.description
    if before.variables != after.variables:
        changes["variables"] = after.variables
    changes["nodes"] = tuple(
        NodeSlot(key=k, index=i, value=v) for k, i, v in _slots(before.nodes, after.nodes)
    )
    changes["edges"] = tuple(
        EdgeSlot(key=k, index=i, value=v and Wire(source=v.source, target=v.target))
        for k, i, v in _slots(before.edges, after.edges)
    )
    changes["notes"] = tuple(
        NoteSlot(key=k, index=i, value=v) for k, i, v in _slots(before.notes, after.notes)
    )
    changes["groups"] = tuple(
        GroupSlot(key=k, index=i, value=v) for k, i, v in _slots(before.groups, after.groups)
    )
    places = before.layout.keys() | after.layout.keys()
    changes["layout"] = {
        key: after.layout.get(key)
        for key in sorted(places)
        if before.layout.get(key) != after.layout.get(key)
    }
    return Patch(**changes)


def _slots(before: Sequence[T], after: Sequence[T]) -> list[tuple[str, int | None, T | None]]:
    if before is after or before == after:
        return []
    old = {item_key(item): item for item in before}
    new = {item_key(item): item for item in after}
    unique = len(old) == len(before) and len(new) == len(after)
    same_order = [k for k in old if k in new] == [k for k in new if k in old]
    if not (unique and same_order):
        return _rewrite(before, after)
    slots: list[tuple[str, int | None, T | None]] = [(k, None, None) for k in old if k not in new]
    for index, (key, item) in enumerate(new.items()):
        if key not in old:
            slots.append((key, index, item))
        elif old[key] is not item and old[key] != item:
            slots.append((key, None, item))
    return slots


def _rewrite(before: Sequence[T], after: Sequence[T]) -> list[tuple[str, int | None, T | None]]:
    gone = dict.fromkeys(item_key(item) for item in before)
    slots: list[tuple[str, int | None, T | None]] = [(key, None, None) for key in gone]
    return slots + [(item_key(item), index, item) for index, item in enumerate(after)]


def apply_patch(flow: Flow, patch: Patch) -> Flow:
    """The flow with a patch put on.

    Raises:
        EditError: the flow has changed too much since the patch was made.
    """
    update: dict[str, Any] = {}
    if patch.name is not None:
        update["name"] = patch.name
    if patch.description is not None:
        update["description"] = patch.description
    if patch.variables is not None:
        update["variables"] = patch.variables
    if patch.nodes:
        update["nodes"] = _put(flow.nodes, patch.nodes, lambda slot: slot.value)
    if patch.edges:
        update["edges"] = _put(flow.edges, patch.edges, _edge)
    if patch.notes:
        update["notes"] = _put(flow.notes, patch.notes, lambda slot: slot.value)
    if patch.groups:
        update["groups"] = _put(flow.groups, patch.groups, lambda slot: slot.value)
    if patch.layout:
        layout = {**flow.layout, **{k: p for k, p in patch.layout.items() if p is not None}}
        for key in (k for k, p in patch.layout.items() if p is None):
            layout.pop(key, None)
        update["layout"] = layout
    return flow.model_copy(update=update)


def _edge(slot: EdgeSlot) -> Edge | None:
    wire = slot.value
    return None if wire is None else Edge(source=wire.source, target=wire.target)


def _put(
    items: Iterable[T], slots: Sequence[Any], value_of: Callable[[Any], T | None]
) -> tuple[T, ...]:
    values = {id(slot): value_of(slot) for slot in slots}
    gone = {slot.key for slot in slots if values[id(slot)] is None}
    changed = {
        slot.key: value
        for slot in slots
        if slot.index is None and (value := values[id(slot)]) is not None
    }
    result = [changed.pop(item_key(i), i) for i in items if item_key(i) not in gone]
    if changed:
        raise EditError(f"{_names(changed)} is no longer there.")
    present = {item_key(item) for item in result}
    for slot in sorted(_inserts(slots), key=lambda slot: slot.index or 0):
        value = values[id(slot)]
        if slot.key in present:
            raise EditError(f"{_names([slot.key])} is there already.")
        if value is not None:
            result.insert(slot.index or 0, value)
    return tuple(result)


def _inserts(slots: Iterable[Slot]) -> list[Slot]:
    return [slot for slot in slots if slot.index is not None]


def _names(keys: Iterable[str]) -> str:
    return ", ".join(f'"{key.replace(">", " → ")}"' for key in keys)


def without_dangling(flow: Flow, patch: Patch) -> Patch:
    """The patch without wires whose nodes somebody else has removed meanwhile."""
    gone = {slot.key for slot in patch.nodes if slot.value is None}
    there = {node.id for node in flow.nodes} - gone
    there |= {slot.key for slot in patch.nodes if slot.value is not None}
    edges = tuple(
        slot
        for slot in patch.edges
        if slot.value is None
        or {slot.value.source.partition(".")[0], slot.value.target.partition(".")[0]} <= there
    )
    return patch.model_copy(update={"edges": edges})
