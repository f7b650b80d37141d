"""What changed between two flows, in words: the lines of a version's history."""

from __future__ import annotations

from collections import Counter

from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.nodes.data import same_json

MAX_PARAMS = 3


def changes(old: Flow, new: Flow) -> list[str]:
    """What a person did between `old` and `new`, one sentence each. Empty when they are equal."""
    lines = [*_meta(old, new), *_nodes(old, new), *_wires(old, new), *_notes(old, new)]
    return lines + _groups(old, new) + _layout(old, new)


def name_of(node: NodeInstance) -> str:
    """How sentences call a node."""
    return f'"{node.title or node.id}"'


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


def _nodes(old: Flow, new: Flow) -> list[str]:
    before, after = old.by_id(), new.by_id()
    lines = [f"Node {name_of(n)} added." for key, n in after.items() if key not in before]
    lines += [f"Node {name_of(n)} removed." for key, n in before.items() if key not in after]
    for key, node in after.items():
        if key in before and before[key] != node:
            lines += _node(before[key], node)
    return lines


def _node(old: NodeInstance, new: NodeInstance) -> list[str]:
    name, lines = name_of(new), []
    if old.title != new.title:
        lines.append(f"Node {name_of(old)} renamed to {name}.")
    if (old.kind, old.version) != (new.kind, new.version):
        lines.append(f"{name} is now a {new.kind} of version {new.version}.")
    if old.disabled != new.disabled:
        lines.append(f"{name} switched {'off' if new.disabled else 'on'}.")
    changed = [
        key
        for key in dict.fromkeys([*old.params, *new.params])
        if (key in old.params) != (key in new.params)
        or not same_json(old.params.get(key), new.params.get(key))
    ]
    if changed:
        shown = ", ".join(f"`{key}`" for key in changed[:MAX_PARAMS])
        more = f" and {len(changed) - MAX_PARAMS} more" if len(changed) > MAX_PARAMS else ""
        lines.append(f"{shown}{more} of {name} changed.")
    if old.run != new.run:
        lines.append(f"How {name} runs changed.")
    return lines


def _wires(old: Flow, new: Flow) -> list[str]:
    before = Counter((e.source, e.target) for e in old.edges)
    after = Counter((e.source, e.target) for e in new.edges)
    gone, come = list((before - after).elements()), list((after - before).elements())
    lines = []
    for source, target in list(come):
        twin = next((w for w in gone if w[0] == source or w[1] == target), None)
        if twin is not None:
            gone.remove(twin)
            come.remove((source, target))
            lines.append(f"Wire {twin[0]} → {twin[1]} moved to {source} → {target}.")
    lines += [f"Wire {source} → {target} added." for source, target in come]
    lines += [f"Wire {source} → {target} removed." for source, target in gone]
    if not lines and old.edges != new.edges:
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
