"""What would fit: ports of the flow, and nodes of the catalog. For the fixes of the wiring rules.

Everything is derived from declarations; no node is known by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from patchbay.flows.checks.resolve import Resolved
from patchbay.nodes.contract import Node, Port, Ports
from patchbay.nodes.values import PortType, compatible


@dataclass(frozen=True, slots=True)
class Offer:
    """A kind as it comes out of the palette: its ports with default params."""

    cls: type[Node]
    inputs: type[Ports]
    outputs: type[Ports]


@dataclass
class Offers:
    """Answers to "what would fit here?", remembered per pair of types."""

    resolved: Resolved
    generation: dict[str, int]
    _between: dict[tuple[object, ...], str | None] = field(default_factory=dict)
    _giving: dict[tuple[str, ...], tuple[str, str] | None] = field(default_factory=dict)

    @cached_property
    def kinds(self) -> list[Offer]:
        """The kinds of the catalog whose ports are known."""
        return [offer for cls in self.resolved.catalog if (offer := _offer(cls))]

    @cached_property
    def outputs(self) -> dict[PortType, list[tuple[str, str]]]:
        """All outputs of the flow, by type."""
        found: dict[PortType, list[tuple[str, str]]] = {}
        for node_id, node in self.resolved.nodes.items():
            if node.outputs and not node.instance.disabled:
                for port in _visible(node.outputs):
                    found.setdefault(port.type, []).append((node_id, port.name))
        return found

    def sources_for(self, node_id: str, port: Port, limit: int = 3) -> list[str]:
        """Outputs of the flow that fit a port and would not close a cycle."""
        own = self.generation.get(node_id, 0)
        found: list[str] = []
        for given, ends in self.outputs.items():
            if not _fits(given, port.type):
                continue
            for source, output in ends:
                # What hangs on a node is always of a later generation.
                if source != node_id and self.generation.get(source, own + 1) <= own:
                    found.append(f"{source}.{output}")
                    if len(found) == limit:
                        return found
        return found

    def node_giving(self, wanted: PortType) -> tuple[str, str] | None:
        """A kind with an output that fits: its title and the output."""
        if wanted.ids not in self._giving:
            self._giving[wanted.ids] = next(
                (
                    (offer.cls.title, port.name)
                    for offer in self.kinds
                    for port in _visible(offer.outputs)
                    if _fits(port.type, wanted)
                ),
                None,
            )
        return self._giving[wanted.ids]

    def node_between(self, given: PortType, wanted: PortType, *, many: bool = False) -> str | None:
        """The title of a kind that takes the one and gives the other; the one that needs least.

        With `many` its input must take several wires.
        """
        key = (given.ids, wanted.ids, many)
        if key not in self._between:
            found = [
                (cost, index, offer.cls.title)
                for index, offer in enumerate(self.kinds)
                if (cost := _cost(offer, given, wanted, many=many)) is not None
            ]
            self._between[key] = min(found)[2] if found else None
        return self._between[key]


def _offer(cls: type[Node]) -> Offer | None:
    from patchbay.nodes.declaration import default_params

    try:
        params = default_params(cls)
        if params is None:
            return Offer(cls, cls.Inputs, cls.Outputs)
        return Offer(cls, cls.input_ports(params), cls.output_ports(params))
    except Exception:  # a stranger's class; it just cannot be suggested
        return None


def _visible(ports: type[Ports]) -> Iterator[Port]:
    return (port for port in ports.declared.values() if not port.hidden)


def _fits(given: PortType, wanted: PortType) -> bool:
    """Like `compatible`, but "any" proves nothing and so suggests nothing."""
    return "any" not in given.ids and compatible(given, wanted)


def _cost(offer: Offer, given: PortType, wanted: PortType, *, many: bool) -> int | None:
    """How many other wires the kind would need; None where it does not fit between."""
    if not any(_fits(port.type, wanted) for port in _visible(offer.outputs)):
        return None
    needed = [port for port in _visible(offer.inputs) if port.required]
    takers = [
        port
        for port in _visible(offer.inputs)
        if "any" not in port.type.ids and _fits(given, port.type) and (port.type.many or not many)
    ]
    if not takers:
        return None
    return min(len(needed) - port.required for port in takers)
