"""What changed between two flows, in words: the lines of a version's history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.nodes.data import same_json

if TYPE_CHECKING:
    from patchbay.nodes.catalog import Catalog

MAX_PARAMS = 3


def changes(old: Flow, new: Flow, catalog: Catalog | None = None) -> list[str]:
    """What a person did between `old` and `new`, one sentence each. Empty when they are equal.

    With a catalog, nodes, kinds, params and the ends of wires are called as on the canvas; without
    one, by what stands in the file.
    """
    before, after = _Named(old, catalog), _Named(new, catalog)
    lines = [*_meta(old, new), *_nodes(before, after), *_wires(before, after), *_notes(old, new)]
    return lines + _groups(old, new) + _layout(old, new)


@dataclass(frozen=True)
class _Named:
    """A flow, and how sentences call what is in it."""

    flow: Flow
    catalog: Catalog | None

    @cached_property
    def nodes(self) -> Mapping[str, NodeInstance]:
        return self.flow.by_id()

    def name(self, node: NodeInstance) -> str:
        if self.catalog is None:
            return f'"{node.title or node.id}"'
        from patchbay.flows.document.titles import node_title

        return f'"{node_title(self.flow, node, self.catalog)}"'

    def kind(self, node: NodeInstance) -> str:
        cls = self.catalog.get(node.kind) if self.catalog is not None else None
        return cls.title if cls else node.kind

    def param(self, name: str) -> str:
        if self.catalog is None:
            return f"`{name}`"
        from patchbay.flows.document.titles import label_of

        return label_of(name)

    def wire(self, wire: tuple[str, str]) -> str:
        return " → ".join(map(self._end, wire))

    def _end(self, end: str) -> str:
        name, _, port = end.partition(".")
        node = self.nodes.get(name) if self.catalog is not None else None
        return f"{port} of {self.name(node)}" if node else end


def _meta(old: Flow, new: Flow) -> list[str]:
    lines = []
    if old.name != new.name:
        lines.append(f'Flow renamed from "{old.name}" to "{new.name}".')
    if old.description != new.description:
        lines.append("Description changed.")
    if old.variables != new.variables:
        from patchbay.flows.document.variables import changed_variables

        lines += changed_variables(old, new)
    return lines


def _nodes(old: _Named, new: _Named) -> list[str]:
    before, after = old.nodes, new.nodes
    lines = [f"Node {new.name(n)} added." for key, n in after.items() if key not in before]
    lines += [f"Node {old.name(n)} removed." for key, n in before.items() if key not in after]
    for key, node in after.items():
        if key in before and before[key] != node:
            lines += _node(old, new, key)
    return lines


def _node(before: _Named, after: _Named, key: str) -> list[str]:
    old, new = before.nodes[key], after.nodes[key]
    name, lines = after.name(new), []
    if old.title != new.title:
        lines.append(f"Node {before.name(old)} renamed to {name}.")
    if (old.kind, old.version) != (new.kind, new.version):
        lines.append(f"{name} is now a {after.kind(new)} of version {new.version}.")
    if old.disabled != new.disabled:
        lines.append(f"{name} switched {'off' if new.disabled else 'on'}.")
    changed = [
        key
        for key in dict.fromkeys([*old.params, *new.params])
        if (key in old.params) != (key in new.params)
        or not same_json(old.params.get(key), new.params.get(key))
    ]
    if changed:
        shown = ", ".join(map(after.param, changed[:MAX_PARAMS]))
        more = f" and {len(changed) - MAX_PARAMS} more" if len(changed) > MAX_PARAMS else ""
        lines.append(f"{shown}{more} of {name} changed.")
    if old.run != new.run:
        lines.append(f"How {name} runs changed.")
    return lines


def _wires(old: _Named, new: _Named) -> list[str]:
    before = Counter((e.source, e.target) for e in old.flow.edges)
    after = Counter((e.source, e.target) for e in new.flow.edges)
    gone, come = list((before - after).elements()), list((after - before).elements())
    lines = []
    for wire in list(come):
        twin = next((w for w in gone if w[0] == wire[0] or w[1] == wire[1]), None)
        if twin is not None:
            gone.remove(twin)
            come.remove(wire)
            lines.append(f"Wire {old.wire(twin)} moved to {new.wire(wire)}.")
    lines += [f"Wire {new.wire(wire)} added." for wire in come]
    lines += [f"Wire {old.wire(wire)} removed." for wire in gone]
    if not lines and old.flow.edges != new.flow.edges:
        lines.append("Order of wires changed.")
    return lines


def _notes(old: Flow, new: Flow) -> list[str]:
    before, after = {n.id: n for n in old.notes}, {n.id: n for n in new.notes}
    lines = [f'Note "{key}" added.' for key in after if key not in before]
    lines += [f'Note "{key}" removed.' for key in before if key not in after]
    edited = [key for key in after if key in before and before[key] != after[key]]
    return lines + [f'Note "{key}" changed.' for key in edited]


def _groups(old: Flow, new: Flow) -> list[str]:
    before, after = {g.id: g for g in old.groups}, {g.id: g for g in new.groups}
    lines = [f'Group "{g.title}" added.' for key, g in after.items() if key not in before]
    lines += [f'Group "{g.title}" removed.' for key, g in before.items() if key not in after]
    edited = [g for key, g in after.items() if key in before and before[key] != g]
    return lines + [f'Group "{g.title}" changed.' for g in edited]


def _layout(old: Flow, new: Flow) -> list[str]:
    common = old.layout.keys() & new.layout.keys()
    moved = sum(old.layout[key] != new.layout[key] for key in common)
    return [f"{moved} {'box' if moved == 1 else 'boxes'} moved."] if moved else []
