"""The neutral graph: what every builder's file comes down to before a table maps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple


class ForeignNode(NamedTuple):
    """One node of another builder."""

    id: str
    type: str
    """The builder's own name of the type."""
    title: str = ""
    settings: Mapping[str, Any] = MappingProxyType({})
    """What is set in it, as plain data. Never evaluated."""
    at: tuple[float, float] | None = None
    """Where it lies on that builder's canvas, in its pixels."""
    ports: tuple[str, ...] = ()
    """Outputs that it has, where the file says so."""
    parent: str = ""
    """The id of the node that it is drawn inside of, where there is one."""


class ForeignWire(NamedTuple):
    """A wire: from an output of a node to an input of another, by the builder's names."""

    source: str
    output: str
    target: str
    input: str


class ForeignNote(NamedTuple):
    """A sticky note."""

    text: str
    at: tuple[float, float] | None = None
    size: tuple[float, float] | None = None


@dataclass(slots=True)
class ForeignGraph:
    """A flow of another builder."""

    builder: str
    """The name of its table: flowise, langflow, …"""
    name: str
    description: str = ""
    nodes: list[ForeignNode] = field(default_factory=list)
    wires: list[ForeignWire] = field(default_factory=list)
    notes: list[ForeignNote] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """What the reader had to leave out, in sentences."""

    def by_id(self) -> dict[str, ForeignNode]:
        """The nodes by id; of two with one id, the first."""
        found: dict[str, ForeignNode] = {}
        for node in self.nodes:
            found.setdefault(node.id, node)
        return found

    def innermost_first(self, *types: str) -> list[ForeignNode]:
        """The nodes of these types, those in the most others first."""
        parents = {node.id: node.parent for node in self.nodes}

        def depth(node: str) -> int:
            count = 0
            while (node := parents.get(node, "")) and count < len(parents):
                count += 1
            return count

        found = [node for node in self.nodes if node.type in types]
        return sorted(found, key=lambda node: -depth(node.id))


def place_of(node: Mapping[str, Any]) -> tuple[float, float] | None:
    """Where a node of React Flow lies, in pixels; None where its file does not say."""
    return place_in(node.get("positionAbsolute") or node.get("position"))


def place_in(place: Any) -> tuple[float, float] | None:
    """A place written as {x, y}; None where it is no place."""
    if not isinstance(place, dict):
        return None
    x, y = place.get("x"), place.get("y")
    if isinstance(x, (int, float)) and isinstance(y, (int, float)) and abs(x) + abs(y) < 1e7:
        return float(x), float(y)
    return None


def texts_in(value: Any, depth: int = 0) -> Iterator[str]:
    """The texts in a setting of a foreign file, however deep, within reason."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping) and depth < 20:
        for inner in value.values():
            yield from texts_in(inner, depth + 1)
    elif isinstance(value, list) and depth < 20:
        for inner in value:
            yield from texts_in(inner, depth + 1)
