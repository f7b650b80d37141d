"""Loops over items, drawn as a circle there: their bodies become flows of their own."""

from __future__ import annotations

import json
from typing import Any

from patchbay.flows.document.edit import fresh_id
from patchbay.flows.exchange.imports.graph import ForeignGraph, ForeignNode, ForeignWire

LOOP, BATCH = "LoopComponent", "BatchRunComponent"
ITEM, RESULT, ASK = "#item", "#result", "#batch"


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
    for index, node in enumerate(graph.nodes):
        if node.type == BATCH:
            stem = fresh_id(f"{graph.name} rows", [name.removesuffix(".json") for name in found])
            found[f"{stem}.json"] = _rows(graph, node, stem)
            graph.nodes[index] = node._replace(settings={**node.settings, "body_flow": stem})
    return found


def _rows(graph: ForeignGraph, batch: ForeignNode, stem: str) -> ForeignGraph:
    """What a Batch Run does with each row: ask a model about a cell, and add the answer to it."""
    words = f"A row of {batch.title or 'Batch Run'} of {graph.name}."
    body = ForeignGraph(graph.builder, stem.replace("-", " "), words)
    column, added = batch.settings.get("column_name"), batch.settings.get("output_column_name")
    settings: dict[str, Any] = dict(batch.settings)
    key = json.dumps(added if isinstance(added, str) and added else "model_response")
    settings["row_expression"] = f"merge(value, {{{key}: answer[0].content}})"
    if isinstance(column, str) and column:
        place = "/" + column.replace("~", "~0").replace("/", "~1")
        settings["row_fields"] = [{"name": "cell", "pointer": place, "default": ""}]
    helpers = _reached(graph, {batch.id}, forward=False, but="") - {batch.id}
    models = {w.source for w in graph.wires if w.target == batch.id and w.input == "model"}
    used = {n for n in helpers if _leads_to(graph, n, models)}
    body.nodes = [node for node in graph.nodes if node.id in used]
    body.nodes += [
        ForeignNode("item", ITEM, "Item"),
        batch._replace(type=ASK, settings=settings),
        ForeignNode("result", RESULT, "Result"),
    ]
    body.wires = [w for w in graph.wires if w.source in used and w.target in used]
    body.wires += [w for w in graph.wires if w.source in models and w.target == batch.id]
    body.wires += [
        ForeignWire("item", "item", batch.id, "row"),
        ForeignWire("item", "item", batch.id, "cell"),
        ForeignWire(batch.id, "row", "result", "value"),
    ]
    graph.wires[:] = [w for w in graph.wires if not (w.target == batch.id and w.input == "model")]
    return body


def _leads_to(graph: ForeignGraph, node: str, ends: set[str]) -> bool:
    return node in ends or bool(_reached(graph, {node}, forward=True, but="") & ends)


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
            body.wires.append(wire._replace(source="item", output="item"))
        elif wire.source in needed and wire.target in needed:
            body.wires.append(wire)
    body.wires.append(ForeignWire(back.source, back.output, "result", "value"))
    return body


def _without(graph: ForeignGraph, loop: ForeignNode, inner: set[str], stem: str) -> None:
    named = loop._replace(settings={**loop.settings, "body_flow": stem})
    graph.nodes[:] = [named if n.id == loop.id else n for n in graph.nodes if n.id not in inner]
    graph.wires[:] = [
        wire
        for wire in graph.wires
        if wire.source not in inner
        and wire.target not in inner
        and not (wire.target == loop.id and wire.input.startswith("<"))
    ]
