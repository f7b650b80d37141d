"""Where a field of n8n's items comes from: followed back through what only hands items on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patchbay.flows.exchange.imports.graph import ForeignGraph, ForeignNode, ForeignWire
from patchbay.flows.exchange.imports.n8n_expressions import EXPRESSION, FieldOf, field_of
from patchbay.flows.exchange.imports.table import TypeSpec, table
from patchbay.flows.exchange.imports.template import variable

_PARSED = {"chainLlm": {"output": "json", "text": "text", "": "json"}}
"""What types give that an output parser is wired into."""
QUESTIONS = frozenset(
    {
        "chatInput",
        "query",
        "question",
        "message",
        "input",
        "body/message",
        "body/chatInput",
        "message/text",
    }
)
"""Fields of a trigger that are what the person asks."""
SAID = frozenset(
    {
        "output",
        "text",
        "response",
        "answer",
        "content",
        "message/content",
        "response/text",
        "result",
        "output/0/content/0/text",
    }
)
"""Fields that hold what a model has said, as the versions of its nodes call them."""
_MANTLES = ("body", "query", "params", "headers")
MAX_BACK = 60
MERGE = "merge"


@dataclass(frozen=True, slots=True)
class AskedItem:
    """The question."""


@dataclass(frozen=True, slots=True)
class GivenItem:
    """An input of the flow."""

    name: str


@dataclass(frozen=True, slots=True)
class HeldItem:
    """A place in what a node here gives."""

    node: str
    place: str
    """The end, as its table writes it; "" for a stub."""
    rest: tuple[str, ...] = ()
    """The way from there, where it gives JSON."""


@dataclass(frozen=True, slots=True)
class WrittenItem:
    """A value that a node writes down, maybe with places in it."""

    node: str
    value: Any
    key: str


@dataclass(frozen=True, slots=True)
class MeetingItems:
    """Ways that meet: the field of whichever was taken."""

    wires: tuple[ForeignWire, ...]
    keys: tuple[str, ...]


ItemSource = AskedItem | GivenItem | HeldItem | WrittenItem | MeetingItems


class Items:
    """What the items of one workflow hold."""

    def __init__(self, graph: ForeignGraph) -> None:
        self.nodes: dict[str, ForeignNode] = graph.by_id()
        self.types: Mapping[str, TypeSpec] = table(graph.builder)
        self.into: dict[str, list[ForeignWire]] = {}
        self.parsed: set[str] = set()
        """Nodes that give JSON, as an output parser is wired into them."""
        for wire in graph.wires:
            if wire.input == "main" and wire.source in self.nodes:
                self.into.setdefault(wire.target, []).append(wire)
            elif wire.input == "ai_outputParser":
                self.parsed.add(wire.target)
        self._found: dict[tuple[str, FieldOf], ItemSource | None] = {}
        """What was looked for already; None, too, while it is: a circle gives nothing."""

    def speaker(self, node: str) -> str:
        """The one node whose items come in, where one alone can be; conditions hand on."""
        for _ in range(MAX_BACK):
            found = {wire.source for wire in self.into.get(node, ())}
            if len(found) != 1:
                return ""
            (node,) = found
            if not self._hands_on(self.nodes[node]):
                return node
        return ""

    def _hands_on(self, node: ForeignNode) -> bool:
        """Whether it gives the items that it is given."""
        spec = self.types.get(node.type)
        return spec is not None and node.type != "set" and spec.gives.get("*") == "=main"

    def source(self, field: FieldOf, reader: str, depth: int = 0) -> ItemSource | None:
        """Where a field comes from that a node reads; None where that is not known."""
        asked = (reader, field)
        if asked not in self._found and depth <= MAX_BACK:
            self._found[asked] = None
            self._found[asked] = self._source(field, reader, depth)
        return self._found.get(asked)

    def _source(self, field: FieldOf, reader: str, depth: int) -> ItemSource | None:
        if field.node:
            known = field.node in self.nodes
            return self.given(field.node, field.keys, depth + 1) if known else None
        wires = self.into.get(reader, [])
        if not wires:
            return AskedItem() if "/".join(field.keys) in QUESTIONS else None
        found = {wire: self.given(wire.source, field.keys, depth + 1) for wire in wires}
        if self.nodes[reader].type == MERGE:  # each way brings fields of its own
            found = {wire: source for wire, source in found.items() if source is not None}
        if not found or None in found.values():
            return None
        if len(set(map(repr, found.values()))) == 1:
            return next(iter(found.values()))
        return MeetingItems(tuple(found), field.keys)

    def given(self, name: str, keys: tuple[str, ...], depth: int = 0) -> ItemSource | None:
        """Likewise, of what a node gives."""
        node = self.nodes[name]
        spec = self.types.get(node.type)
        if self._hands_on(node):
            return self.source(FieldOf("", keys), name, depth)
        if node.type == "set":
            return self._set(node, keys, depth)
        if spec is None or spec.refused:
            return HeldItem(name, "", keys)  # a stub keeps its wires
        if not spec.gives:
            return _of_trigger(keys) if spec.same else None
        return self._held(node, spec, keys)

    def _set(self, node: ForeignNode, keys: tuple[str, ...], depth: int) -> ItemSource | None:
        fields = node.settings.get("$fields") or {}
        value: Any = fields.get("set") or {}
        for at, key in enumerate(keys):
            if isinstance(value, Mapping) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
                value = value[int(key)]
            elif at and (field := sole_field(value)):  # inside of what it was set to
                inside = field._replace(keys=(*field.keys, *keys[at:]))
                return self.source(inside, node.id, depth + 1)
            elif fields.get("others") and (at == 0):
                return self.source(FieldOf("", keys), node.id, depth + 1)
            else:
                return None
        if not keys or (_has_places(value) and not isinstance(value, str)):
            return None
        if field := sole_field(value):
            return self.source(field, node.id, depth + 1)
        return WrittenItem(node.id, value, keys[-1])

    def _held(self, node: ForeignNode, spec: TypeSpec, keys: tuple[str, ...]) -> ItemSource | None:
        told = node.settings.get("$gives")
        fields = told if isinstance(told, Mapping) else spec.fields
        if node.id in self.parsed:
            fields = _PARSED.get(node.type, fields)
        for end in range(len(keys), -1, -1):
            place = fields.get("/".join(keys[:end]))
            if place is None:
                continue
            rest = keys[end:]
            is_json = place.rpartition(".")[2] in ("json", "headers")
            return HeldItem(node.id, place, rest) if is_json or not rest else None
        main = spec.gives.get("*")
        if "/".join(keys) in SAID and isinstance(main, str) and "" not in fields:
            return HeldItem(node.id, main)
        return None


def _of_trigger(keys: tuple[str, ...]) -> ItemSource | None:
    if "/".join(keys) in QUESTIONS:
        return AskedItem()
    named = keys[1:] if len(keys) > 1 and keys[0] in _MANTLES else keys
    return GivenItem(variable("_".join(named))) if named else None


def sole_field(value: Any) -> FieldOf | None:
    """The place that a value is, where it is nothing else."""
    match = EXPRESSION.fullmatch(value) if isinstance(value, str) else None
    return field_of(match[1]) if match else None


def _has_places(value: Any) -> bool:
    if isinstance(value, str):
        return any(field_of(match[1]) for match in EXPRESSION.finditer(value))
    if isinstance(value, Mapping):
        return any(_has_places(inner) for inner in value.values())
    return isinstance(value, list) and any(_has_places(inner) for inner in value)
