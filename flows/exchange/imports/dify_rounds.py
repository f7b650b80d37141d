"""Dify's iterations and loops: the nodes inside become a flow of their own beside the imported one.

An iteration is a *For each* over that flow, a loop a *Loop*; its variables go from round to round.
What the nodes inside read from outside comes in through inputs of their flow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from patchbay.flows.document.edit import fresh_id
from patchbay.flows.exchange.imports.graph import ForeignGraph, ForeignNode
from patchbay.flows.exchange.imports.template import variable

STARTS = frozenset({"iteration-start", "loop-start"})
EACH, LOOP, ENTER, RESULT, ASSIGN, EXIT = "#each", "#loop", "start", "#result", "#assign", "#exit"
ITEM, INDEX = "item", "index"
_REFERENCE = re.compile(r"\{\{#([^{}#\n]{1,200})#\}\}")


def dify_bodies(graph: ForeignGraph) -> dict[str, ForeignGraph]:
    """Take iterations and loops out of a graph: file name → the body, the innermost first."""
    found: dict[str, ForeignGraph] = {}
    if graph.builder != "dify":
        return found
    for place in graph.innermost_first("iteration", "loop"):
        inside = [node for node in graph.nodes if node.parent == place.id]
        if not any(node.type not in STARTS for node in inside) or _refused(place):
            _opened(graph, inside)
            continue
        stem = fresh_id(f"{graph.name} {place.title or place.type}", [n[:-5] for n in found])
        found[f"{stem}.json"] = _taken_out(graph, place, inside, stem)
    return found


def _refused(place: ForeignNode) -> bool:
    settings = place.settings
    if place.type == "iteration":
        return not (settings.get("result") and settings.get("iterator_selector_text"))
    return not settings.get("$variables") or bool(settings.get("$unsaid"))


def _opened(graph: ForeignGraph, inside: list[ForeignNode]) -> None:
    """Leave the nodes of a round that cannot be run beside it, as they are."""
    starts = {node.id for node in inside if node.type in STARTS}
    graph.nodes[:] = [node for node in graph.nodes if node.id not in starts]
    graph.wires[:] = [w for w in graph.wires if not {w.source, w.target} & starts]


def _taken_out(
    graph: ForeignGraph, place: ForeignNode, inside: list[ForeignNode], stem: str
) -> ForeignGraph:
    """Move the nodes inside into a body; a node that runs it takes the place of all."""
    is_loop = place.type == "loop"
    about = "One round of a loop" if is_loop else "What is done with one item"
    body = ForeignGraph(graph.builder, stem.replace("-", " "), f"{about} of {graph.name}.")
    names = {node.id for node in inside}
    outer: dict[str, str] = {}
    rows = place.settings.get("$variables") or []
    taken = [variable(row["name"]) for row in rows] if is_loop else [ITEM, INDEX]
    nodes = [_within(node, place, graph, names, outer, taken) for node in inside]
    body.nodes = [node for node in nodes if node.type not in STARTS and node.type != "answer"]
    if len(body.nodes) < sum(node.type not in STARTS for node in nodes):
        words = f"{place.title or place.type}: what it says inside is no part of the answer here"
        graph.remarks.append(words)
    kept = {node.id for node in body.nodes}
    body.wires = [w for w in graph.wires if w.source in kept and w.target in kept]
    kinds = (
        {row["name"]: row["kind"] for row in rows} if is_loop else {ITEM: _item_kind(graph, place)}
    )
    told: dict[str, Any] = {"$kinds": kinds}
    ends = any(node.type == EXIT for node in body.nodes)
    if is_loop:
        until = _rewritten(place.settings.get("$until"), place, graph, names, outer, taken)
        done = variable("done", taken) if ends or (until and until["rows"]) else ""
        told["$round"] = {"carried": list(kinds), "until": until, "done": done}
    body.nodes.insert(0, ForeignNode(place.id, ENTER, place.title or place.type, told))
    if not is_loop:
        result = _rewritten(place.settings["result"], place, graph, names, outer, taken)
        body.nodes.append(ForeignNode(RESULT, RESULT, "Result", {"answer": result}))
    kinds |= {name: _kind_of(graph, written) for written, name in outer.items()}
    settings = {**place.settings, "body_flow": stem, "$outer": {v: k for k, v in outer.items()}}
    if is_loop:
        settings |= {"state": {variable(r["name"]): r["kind"] for r in rows}, "done": done}
    stands = place._replace(type=LOOP if is_loop else EACH, settings=settings)
    graph.nodes[:] = [
        stands if node.id == place.id else node for node in graph.nodes if node.id not in names
    ]
    graph.wires[:] = [w for w in graph.wires if not {w.source, w.target} & names]
    return body


_LISTS = {"array[string]": "text", "array[number]": "number"}


def _item_kind(graph: ForeignGraph, place: ForeignNode) -> str:
    """What kind of value an item is, as the iteration, or what gives its list, says."""
    told = place.settings.get("iterator_input_type")
    if told is None:
        node_id, _, name = str(place.settings["iterator_selector_text"]).strip("{}#").partition(".")
        node = graph.by_id().get(node_id)
        told = _extracted(node, name) if node is not None else None
        if node is not None and node.type in ("iteration", EACH):
            told = node.settings.get("output_type")
    return _LISTS.get(str(told), "text" if told is None else "json")


def _extracted(node: ForeignNode, name: str) -> Any:
    """The type of what a parameter extractor gives under a name."""
    rows = node.settings.get("parameters") if node.type == "parameter-extractor" else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("name") == name:
            return row.get("type")
    return None


_TEXTS = frozenset({"llm", "template-transform", "http-request", "agent", "document-extractor"})
_INPUTS = {"number": "number", "json_object": "json"}


def _kind_of(graph: ForeignGraph, written: str) -> str:
    """What kind of value a reference stands for, as far as its node says it."""
    node_id, _, field = written.strip("{}#").partition(".")
    node = graph.by_id()[node_id]
    if node.type == "start":
        rows = node.settings.get("variables")
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and row.get("variable") == field:
                return _INPUTS.get(str(row.get("type")), "text")
        return "text"
    if node.type == "loop":
        found = [r["kind"] for r in node.settings.get("$variables") or () if r["name"] == field]
        return found[0] if found else "number"
    if node.type == "iteration" and field == ITEM:
        return _item_kind(graph, node)
    if node.type == "parameter-extractor":
        told = str(_extracted(node, field) or "string")
        return {"number": "number"}.get(told, "json" if told.startswith("array") else "text")
    return "text" if node.type in _TEXTS and field not in ("status_code", "headers") else "json"


def _within(
    node: ForeignNode,
    place: ForeignNode,
    graph: ForeignGraph,
    names: set[str],
    outer: dict[str, str],
    taken: list[str],
) -> ForeignNode:
    settings = _rewritten(dict(node.settings), place, graph, names, outer, taken)
    kind = node.type
    if place.type == "loop" and kind == "assigner" and _assigns(settings, place):
        kind = ASSIGN
    elif kind == "loop-end":
        kind = EXIT
    return node._replace(type=kind, settings=settings, parent="")


def _assigns(settings: Mapping[str, Any], place: ForeignNode) -> bool:
    """Whether all that it writes are variables of its loop, in a way that can be said here."""
    rows = settings.get("$assigned") or []
    known = {row["name"] for row in place.settings["$variables"]}
    return bool(rows) and all(
        row["node"] == place.id and row["name"] in known and row["how"] for row in rows
    )


def _rewritten(
    value: Any,
    place: ForeignNode,
    graph: ForeignGraph,
    names: set[str],
    outer: dict[str, str],
    taken: list[str],
    depth: int = 0,
) -> Any:
    """Settings with references to nodes outside as references to inputs of the body."""

    def renamed(match: re.Match[str]) -> str:
        node, _, field = match[1].partition(".")
        if node == place.id or node in names or node in ("sys", "env", "conversation"):
            return match[0]
        if field.startswith("sys.") or node not in known:
            return match[0]
        if match[0] not in outer:
            outer[match[0]] = variable(field.rpartition(".")[2] or node, [*taken, *outer.values()])
        return "{{#" + f"{place.id}.{outer[match[0]]}" + "#}}"

    known = {node.id for node in graph.nodes}
    if isinstance(value, str):
        return _REFERENCE.sub(renamed, value)
    if isinstance(value, dict) and depth < 20:
        return {
            key: _rewritten(inner, place, graph, names, outer, taken, depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)) and depth < 20:
        return [_rewritten(inner, place, graph, names, outer, taken, depth + 1) for inner in value]
    return value
