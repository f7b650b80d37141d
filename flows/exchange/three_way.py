"""Two edits of one flow made one: by nodes, params and wires, not by lines.

Layout never conflicts, and two people who add nodes never do. What both changed in different ways
is a conflict: ours stays in place, and a note on the canvas says what theirs was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from patchbay.flows.document.edit import fresh_id
from patchbay.flows.document.model import Edge, Flow, Group, NodeInstance, Note, Place
from patchbay.flows.secret_shapes import secret_kind
from patchbay.flows.wording import HIDDEN, printable
from patchbay.nodes.data import same_json

ManyWires = Callable[[NodeInstance, str], bool]
"""Whether an input of a node takes many wires."""


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """Something that both sides changed, each in another way."""

    place: str
    """`node.param`, `node`, `node.port`, or a part of the flow as a whole."""
    words: str
    """What each side did. Ours is what the merged flow has."""
    node: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.words}"


@dataclass(slots=True)
class Merged:
    """The merged flow, and what a person has to decide."""

    flow: Flow
    conflicts: list[MergeConflict] = field(default_factory=list)


def merge(
    base: Flow, ours: Flow, theirs: Flow, many: ManyWires = lambda node, port: True
) -> Merged:
    """The flow with the changes of both sides.

    Args:
        base: what both started from.
        ours: one side; it stays in place where both changed the same.
        theirs: the other side.
        many: whether an input takes many wires; where it does not, two new wires conflict.
    """
    return _Merge(base, _apart(base, ours, theirs), many).run(ours)


def _apart(base: Flow, ours: Flow, theirs: Flow) -> Flow:
    """Theirs with other ids for what both added under one id, each something else."""
    known, mine = base.by_id(), ours.by_id()
    taken = {*known, *mine, *theirs.by_id(), *(n.id for f in (base, ours, theirs) for n in f.notes)}
    names: dict[str, str] = {}
    for node in theirs.nodes:
        if node.id not in known and node.id in mine and mine[node.id] != node:
            names[node.id] = fresh_id(node.id, taken)
            taken.add(names[node.id])
    return _renamed(theirs, names) if names else theirs


def _renamed(flow: Flow, names: Mapping[str, str]) -> Flow:
    def end(text: str) -> str:
        node, _, port = text.partition(".")
        return f"{names.get(node, node)}.{port}"

    edges = (Edge.model_validate({"from": end(e.source), "to": end(e.target)}) for e in flow.edges)
    groups = (
        g.model_copy(update={"nodes": tuple(names.get(n, n) for n in g.nodes)}) for g in flow.groups
    )
    return flow.model_copy(
        update={
            "nodes": tuple(
                n.model_copy(update={"id": names[n.id]}) if n.id in names else n for n in flow.nodes
            ),
            "edges": tuple(edges),
            "groups": tuple(groups),
            "layout": {names.get(key, key): place for key, place in flow.layout.items()},
        }
    )


_GONE = object()


class _Merge:
    def __init__(self, base: Flow, theirs: Flow, many: ManyWires) -> None:
        self.base, self.theirs, self.many = base, theirs, many
        self.conflicts: list[MergeConflict] = []

    def run(self, ours: Flow) -> Merged:
        base, theirs = self.base, self.theirs
        nodes = self._nodes(ours)
        kept = {node.id: node for node in nodes}
        edges = self._edges(ours, kept)
        notes = self._items(base.notes, ours.notes, theirs.notes, "note", self._note)
        groups = self._items(base.groups, ours.groups, theirs.groups, "group", self._group)
        groups = [
            g.model_copy(update={"nodes": tuple(n for n in g.nodes if n in kept)}) for g in groups
        ]
        layout = self._layout(ours, {*kept, *(note.id for note in notes)})
        name = self._value("name", "", base.name, ours.name, theirs.name)
        about = self._value(
            "description", "", base.description, ours.description, theirs.description
        )
        variables = self._value("variables", "", base.variables, ours.variables, theirs.variables)
        flow = Flow(
            name=name,
            description=about,
            variables=variables,
            nodes=tuple(nodes),
            edges=tuple(edges),
            notes=tuple(notes),
            groups=tuple(groups),
            layout=layout,
        )
        return Merged(flow, self.conflicts)

    # --- nodes --------------------------------------------------------------------------------

    def _nodes(self, ours: Flow) -> list[NodeInstance]:
        base, mine, other = self.base.by_id(), ours.by_id(), self.theirs.by_id()
        made: dict[str, NodeInstance] = {}
        for key in _order(list(mine), list(other)):
            if (node := self._node(base.get(key), mine.get(key), other.get(key), ours)) is not None:
                made[key] = node
        return list(made.values())

    def _node(
        self,
        base: NodeInstance | None,
        mine: NodeInstance | None,
        other: NodeInstance | None,
        ours: Flow,
    ) -> NodeInstance | None:
        if base is None:
            return mine or other
        if mine is None or other is None:
            return self._removed(base, mine, other, ours)
        params = {
            key: self._value(
                f"{base.id}.{key}",
                base.id,
                base.params.get(key, _GONE),
                mine.params.get(key, _GONE),
                other.params.get(key, _GONE),
            )
            for key in dict.fromkeys([*mine.params, *other.params])
        }
        fields = {
            key: self._value(
                f"{base.id} ({key})",
                base.id,
                getattr(base, key),
                getattr(mine, key),
                getattr(other, key),
            )
            for key in ("kind", "version", "title", "disabled", "run")
        }
        params = {key: value for key, value in params.items() if value is not _GONE}
        return mine.model_copy(update={**fields, "params": params})

    def _removed(
        self, base: NodeInstance, mine: NodeInstance | None, other: NodeInstance | None, ours: Flow
    ) -> NodeInstance | None:
        left = mine or other
        if left is None:
            return None
        flow = ours if mine is not None else self.theirs
        before = {(e.source, e.target) for e in self.base.edges}
        wired = [
            e
            for e in flow.edges
            if base.id in (e.source_node, e.target_node) and (e.source, e.target) not in before
        ]
        if left == base and not wired:
            return None
        who, did = ("theirs", "ours") if mine is not None else ("ours", "theirs")
        what = "changed it" if left != base else "wired something new to it"
        words = f"{who} removed it, {did} {what}; it stays"
        self.conflicts.append(MergeConflict(base.id, words, base.id))
        return left

    def _value(self, place: str, node: str, base: Any, mine: Any, other: Any) -> Any:
        if _same(mine, other) or _same(other, base):
            return mine
        if _same(mine, base):
            return other
        words = f"ours is {_shown(mine)}, theirs is {_shown(other)}"
        self.conflicts.append(MergeConflict(place, words, node))
        return mine

    # --- wires --------------------------------------------------------------------------------

    def _edges(self, ours: Flow, kept: Mapping[str, NodeInstance]) -> list[Edge]:
        base = {(e.source, e.target) for e in self.base.edges}
        mine = {(e.source, e.target): e for e in ours.edges}
        other = {(e.source, e.target): e for e in self.theirs.edges}
        made: list[Edge] = []
        for key in _order(list(mine), list(other)):
            if (key in mine and key in other) or key not in base:
                edge = mine.get(key) or other[key]
                if edge.source_node in kept and edge.target_node in kept:
                    made.append(edge)
        return self._single(made, base, mine, kept)

    def _single(
        self,
        edges: list[Edge],
        base: set[tuple[str, str]],
        mine: Mapping[tuple[str, str], Edge],
        kept: Mapping[str, NodeInstance],
    ) -> list[Edge]:
        """Of two new wires into a port that takes one, ours stays."""
        into: dict[str, list[Edge]] = {}
        for edge in edges:
            into.setdefault(edge.target, []).append(edge)
        dropped: set[tuple[str, str]] = set()
        for target, wires in into.items():
            new = [e for e in wires if (e.source, e.target) not in base]
            theirs = [e for e in new if (e.source, e.target) not in mine]
            ours = [e for e in new if (e.source, e.target) in mine]
            node, _, port = target.partition(".")
            if not theirs or not ours or self.many(kept[node], port):
                continue
            dropped |= {(e.source, e.target) for e in theirs}
            words = f"ours wires it to {ours[0].source}, theirs to {theirs[0].source}"
            self.conflicts.append(MergeConflict(target, words, node))
        return [e for e in edges if (e.source, e.target) not in dropped]

    # --- the rest -----------------------------------------------------------------------------

    def _items(
        self,
        base: Iterable[Any],
        ours: Iterable[Any],
        theirs: Iterable[Any],
        what: str,
        both: Callable[[Any, Any, Any], Any],
    ) -> list[Any]:
        was = {item.id: item for item in base}
        mine = {item.id: item for item in ours}
        other = {item.id: item for item in theirs}
        taken = {*was, *mine, *other}
        made: list[Any] = []
        for key in _order(list(mine), list(other)):
            old, a, b = was.get(key), mine.get(key), other.get(key)
            if a is not None and b is not None:
                if old is None and a != b:  # both added one of this id: both stay
                    moved = b.model_copy(update={"id": fresh_id(key, taken)})
                    taken.add(moved.id)
                    made += [a, moved]
                else:
                    made.append(both(old, a, b))
            elif old is None or (a or b) != old:
                made.append(a or b)
        return made

    def _note(self, base: Note | None, mine: Note, other: Note) -> Note:
        if base is None:
            return mine
        place = f'note "{mine.id}"'
        text = self._value(place, "", base.text, mine.text, other.text)
        color = mine.color if mine.color != base.color else other.color
        return mine.model_copy(update={"text": text, "color": color})

    def _group(self, base: Group | None, mine: Group, other: Group) -> Group:
        if base is None:
            return mine
        place = f'group "{mine.id}"'
        title = self._value(place, "", base.title, mine.title, other.title)
        gone = {n for n in base.nodes if n not in mine.nodes or n not in other.nodes}
        nodes = tuple(n for n in _order(list(mine.nodes), list(other.nodes)) if n not in gone)
        folded = mine.folded if mine.folded != base.folded else other.folded
        return mine.model_copy(update={"title": title, "nodes": nodes, "folded": folded})

    def _layout(self, ours: Flow, known: set[str]) -> dict[str, Place]:
        """Where both moved something, ours stays: places never conflict."""
        base, mine, other = self.base.layout, ours.layout, self.theirs.layout
        made: dict[str, Place] = {}
        for key in {*mine, *other} & known:
            a, b = mine.get(key), other.get(key)
            place = b if a is None or (a == base.get(key) and b is not None) else a
            if place is not None:
                made[key] = place
        return made


def _order(mine: list[Any], other: list[Any]) -> list[Any]:
    """Ours in order, with what only theirs has behind what it follows there."""
    known = set(mine)
    after: dict[Any, list[Any]] = {}
    before: Any = None
    for key in other:
        if key in known:
            before = key
        else:
            after.setdefault(before, []).append(key)
    made = list(after.get(None, ()))
    for key in mine:
        made.append(key)
        made.extend(after.get(key, ()))
    return made


def _same(one: Any, two: Any) -> bool:
    if one is _GONE or two is _GONE:
        return one is two
    return one == two and (
        not isinstance(one, (dict, list, bool, int, float)) or same_json(one, two)
    )


def _shown(value: Any) -> str:
    if value is _GONE:
        return "not set"
    if hasattr(value, "model_dump"):
        value = value.model_dump(exclude_defaults=True)
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else f'"{value}"'
    return HIDDEN if secret_kind(text) else printable(text, 200)


# --- shown on the canvas --------------------------------------------------------------------------

_NODE = (270.0, 150.0)
"""About the size of a node, in pixels of the canvas."""
_GAP = 20.0
_WIDE = 300.0


def with_notes(merged: Merged) -> Flow:
    """The merged flow with a note beside each node about which a person has to decide, and one
    above all for the flow as a whole. Each has a place of its own."""
    flow = merged.flow
    taken = {*flow.by_id(), *(note.id for note in flow.notes)}
    notes, layout = list(flow.notes), dict(flow.layout)
    for node in dict.fromkeys(conflict.node for conflict in merged.conflicts):
        mine = [str(conflict) for conflict in merged.conflicts if conflict.node == node]
        text = f"Conflict in {mine[0]}" if len(mine) == 1 else "\n- ".join(["Conflicts:", *mine])
        note = Note(id=fresh_id("conflict", taken), text=text, color="pink")
        taken.add(note.id)
        notes.append(note)
        lines = sum(1 + len(line) // 34 for line in text.splitlines())
        layout[note.id] = _place(layout, node, 60.0 + 22 * min(lines, 20))
    return flow.model_copy(update={"notes": tuple(notes), "layout": layout})


def _place(layout: Mapping[str, Place], node: str, high: float) -> Place:
    """Where a note about a node covers nothing: above, below or beside it, else above all."""
    there = list(layout.values())
    left = min((place.x for place in there), default=0.0)
    top = min((place.y for place in there), default=0.0)
    if (at := layout.get(node)) is not None:
        left = at.x
        for x, y in (
            (at.x, at.y - high - _GAP),
            (at.x, at.y + _NODE[1] + _GAP),
            (at.x - _WIDE - _GAP, at.y),
            (at.x + _NODE[0] + _GAP, at.y),
        ):
            place = Place(x=x, y=y, w=_WIDE, h=high)
            if not any(_overlap(place, other) for other in there):
                return place
    return Place(x=left, y=top - high - 2 * _GAP, w=_WIDE, h=high)


def _overlap(one: Place, two: Place) -> bool:
    def size(place: Place) -> tuple[float, float]:
        return place.w or _NODE[0], place.h or _NODE[1]

    across = one.x < two.x + size(two)[0] and two.x < one.x + size(one)[0]
    down = one.y < two.y + size(two)[1] and two.y < one.y + size(one)[1]
    return across and down
