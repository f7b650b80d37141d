"""Loops over items, drawn as a circle there: their bodies become flows of their own."""

from __future__ import annotations

from dataclasses import replace

from patchbay.flows.document.edit import fresh_id
from patchbay.flows.exchange.imports.graph import ForeignGraph, ForeignNode, ForeignWire

LOOP = "LoopComponent"
ITEM, RESULT = "#item", "#result"


def bodies_of(graph: ForeignGraph) -> dict[str, ForeignGraph]:
    """Take the bodies of loops out of a graph: file name → the body. The loop names its file."""
    found: dict[str, ForeignGraph] = {}
    for loop in [node for node in graph.nodes if node.type == LOOP]:
        back = [w for w in graph.wires if w.target == loop.id and w.input.startswith("<")]
        inner = _between(graph, loop, {wire.source for wire in back})
        if not back or not inner:
            continue
        stem = fresh_id(f"{graph.name} body", [name.removesuffix(".json") for name in found])
        found[f"{stem}.json"] = _body(graph, loop, inner, back[0], stem)
        _without(graph, loop, inner, stem)
    return found


def _reached(graph: ForeignGraph, start: set[str], *, forward: bool, but: str) -> set[str]:
    seen, stack = set(start), list(start)
    while stack:
        node = stack.pop()
        for wire in graph.wires:
            here, there = (wire.source, wire.target) if forward else (wire.target, wire.source)
            if here == node and there not in seen and there != but:
                seen.add(there)
                stack.append(there)
    return seen


def _between(graph: ForeignGraph, loop: ForeignNode, ends: set[str]) -> set[str]:
    """The nodes on a way from the item to the wire that leads back."""
    begin = {w.target for w in graph.wires if w.source == loop.id and w.output == "item"}
    begin.discard(loop.id)
    after = _reached(graph, begin, forward=True, but=loop.id)
    return after & _reached(graph, ends - {loop.id}, forward=False, but=loop.id)


def _body(
    graph: ForeignGraph, loop: ForeignNode, inner: set[str], back: ForeignWire, stem: str
) -> ForeignGraph:
    """The nodes inside, what they need from outside (models, say), the item and the result."""
    needed = _reached(graph, inner, forward=False, but=loop.id)
    body = ForeignGraph(
        graph.builder, stem.replace("-", " "), f"The body of a loop of {graph.name}."
    )
    body.nodes = [node for node in graph.nodes if node.id in needed]
    body.nodes += [ForeignNode("item", ITEM, "Item"), ForeignNode("result", RESULT, "Result")]
    for wire in graph.wires:
        if wire.source == loop.id and wire.output == "item" and wire.target in inner:
            body.wires.append(replace(wire, source="item", output="item"))
        elif wire.source in needed and wire.target in needed:
            body.wires.append(wire)
    body.wires.append(ForeignWire(back.source, back.output, "result", "value"))
    return body


def _without(graph: ForeignGraph, loop: ForeignNode, inner: set[str], stem: str) -> None:
    named = replace(loop, settings={**loop.settings, "body_flow": stem})
    graph.nodes[:] = [named if n.id == loop.id else n for n in graph.nodes if n.id not in inner]
    graph.wires[:] = [
        wire
        for wire in graph.wires
        if wire.source not in inner
        and wire.target not in inner
        and not (wire.target == loop.id and wire.input.startswith("<"))
    ]
