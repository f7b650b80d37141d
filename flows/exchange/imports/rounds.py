"""Ways back to an earlier step, and iterations: what runs again becomes a flow of its own.

There a loop is an arrow back, and everything that was said stays known. Here the step that it leads
to and all that follow are a flow beside this one, which *Loop* runs until a round answers; what was
said and the state go from round to round. The steps inside an iteration are a flow for *For each*.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from patchbay.flows.document.edit import fresh_id
from patchbay.flows.exchange.imports.graph import (
    ForeignGraph,
    ForeignNode,
    ForeignWire,
    texts_in,
)
from patchbay.flows.exchange.imports.table import TypeSpec, table
from patchbay.flows.exchange.imports.template import variable

LOOPS = frozenset({"loopAgentflow", "seqLoop"})
ITERATION = "iterationAgentflow"
ENTER, AGAIN, LOOP, EACH = "#enter", "#again", "#loop", "#each"
MOST = 5
"""How often a loop of Flowise goes round where its file does not say."""
MOST_STEPS = 25
"""Likewise for sequential agents, whose rounds LangGraph's limit of 25 steps bounds there."""
_STATE = re.compile(r"\$flow\.state\.([A-Za-z_]\w{0,60})")
_REFERENCE = re.compile(r"\{\{\s*([\w\\]+(?:\.[\w.]+)?)\s*\}\}")


def step_bodies(graph: ForeignGraph) -> dict[str, ForeignGraph]:
    """Take iterations and loops out of a graph of steps: file name → the body."""
    found: dict[str, ForeignGraph] = {}
    for each in graph.innermost_first(ITERATION):
        inside = {node.id for node in graph.nodes if node.parent == each.id}
        if inside:
            found.update([_taken_out(graph, each, inside, found, "each")])
    _loops(graph, found)
    return found


def _loops(graph: ForeignGraph, found: dict[str, ForeignGraph]) -> None:
    """Loops that lead back to one step are one; those to another step stay refused."""
    loops = [node for node in graph.nodes if node.type in LOOPS]
    targets = {loop.id: _target(graph, loop) for loop in loops}
    for target in dict.fromkeys(filter(None, targets.values())):
        inside = _after(graph, target)
        mine = {loop for loop, to in targets.items() if to == target and loop in inside}
        if not mine or any(node.type == LOOP for node in graph.nodes):
            continue
        if _entered_elsewhere(graph, inside, target):
            continue
        first = next(node for node in graph.nodes if node.id in mine)
        graph.nodes[:] = [n._replace(type=AGAIN) if n.id in mine else n for n in graph.nodes]
        place = first._replace(id=f"{target}:loop")
        found.update([_taken_out(graph, place, inside, found, "loop", target)])


def _target(graph: ForeignGraph, loop: ForeignNode) -> str:
    """The step that a loop leads back to: by its id, or by its name."""
    told = loop.settings.get("loopBackToNode") or loop.settings.get("loopToName")
    told = told if isinstance(told, str) else ""
    ids = [node.id for node in graph.nodes if _is_step(graph, node)]
    by_id = [i for i in ids if told == i or told.startswith(f"{i}-")]
    if by_id:
        return max(by_id, key=len)
    names = [n.id for n in graph.nodes if n.id in ids and n.title.strip() == told.strip() != ""]
    return names[0] if len(names) == 1 else ""


def _types(graph: ForeignGraph) -> Mapping[str, TypeSpec]:
    return table(graph.builder)


def _is_step(graph: ForeignGraph, node: ForeignNode) -> bool:
    if node.type in LOOPS or node.type == ITERATION:
        return True
    spec = _types(graph).get(node.type)
    return spec is not None and bool(spec.step)


def _order(graph: ForeignGraph) -> dict[str, list[str]]:
    """The steps that follow each."""
    steps = {node.id for node in graph.nodes if _is_step(graph, node)}
    found: dict[str, list[str]] = {}
    for wire in graph.wires:
        if wire.source in steps and wire.target in steps:
            found.setdefault(wire.source, []).append(wire.target)
    return found


def _after(graph: ForeignGraph, start: str) -> set[str]:
    following = _order(graph)
    seen, stack = {start}, [start]
    while stack:
        for step in following.get(stack.pop(), ()):
            if step not in seen:
                seen.add(step)
                stack.append(step)
    return seen


def _entered_elsewhere(graph: ForeignGraph, inside: set[str], target: str) -> bool:
    """Whether a step outside leads into the loop past its first step; an end is no matter."""
    ends = {n.id for n in graph.nodes if (s := _types(graph).get(n.type)) and s.step == "end"}
    return any(
        step in inside and step != target and step not in ends
        for source, steps in _order(graph).items()
        if source not in inside
        for step in steps
    )


def _taken_out(
    graph: ForeignGraph,
    place: ForeignNode,
    inside: set[str],
    found: Mapping[str, ForeignGraph],
    mode: str,
    target: str = "",
) -> tuple[str, ForeignGraph]:
    """Move steps into a body; a node of the type `#loop` or `#each` takes their place."""
    words = f"{graph.name} {'rounds' if mode == 'loop' else place.title or 'iteration'}"
    stem = fresh_id(words, [name.removesuffix(".json") for name in found])
    about = "The steps of one round." if mode == "loop" else "The steps for one item."
    body = ForeignGraph(graph.builder, stem.replace("-", " "), about)
    needed = inside | _helpers(graph, inside)
    body.nodes = [node for node in graph.nodes if node.id in needed]
    body.wires = [w for w in graph.wires if w.source in needed and w.target in needed]
    begins = [target] if target else _begins(graph, inside)
    outer = _outer(graph, body, inside, mode)
    settings = {"mode": mode, **outer, **_memory(graph)}
    body.nodes.insert(0, ForeignNode(ENTER, ENTER, "", settings))
    body.wires += [ForeignWire(ENTER, "out", step, "sequentialNode") for step in begins]
    kind = LOOP if mode == "loop" else EACH
    told = {**place.settings, **outer, "body_flow": stem, "most": _most(graph, place)}
    stands = place._replace(type=kind, settings=told)
    _close(graph, stands, inside, begins)
    return f"{stem}.json", body


def _memory(graph: ForeignGraph) -> dict[str, Any]:
    """What the body is to know of the step where its flow starts."""
    for node in graph.nodes:
        if node.type == "startAgentflow":
            return {"startEphemeralMemory": node.settings.get("startEphemeralMemory")}
    return {}


def _most(graph: ForeignGraph, place: ForeignNode) -> int:
    if place.type == "seqLoop":
        return MOST_STEPS
    told = place.settings.get("maxLoopCount")
    try:
        return max(1, min(1000, int(float(str(told)))))
    except (ValueError, OverflowError):
        return MOST


def _helpers(graph: ForeignGraph, inside: set[str]) -> set[str]:
    """Models, tools and the like that steps use: whatever leads into them and is no step."""
    steps = {node.id for node in graph.nodes if _is_step(graph, node)}
    before: dict[str, list[str]] = {}
    for wire in graph.wires:
        before.setdefault(wire.target, []).append(wire.source)
    seen: set[str] = set()
    stack = list(inside)
    while stack:
        for source in before.get(stack.pop(), ()):
            if source not in seen and source not in steps:
                seen.add(source)
                stack.append(source)
    return seen


def _begins(graph: ForeignGraph, inside: set[str]) -> list[str]:
    entered = {w.target for w in graph.wires if w.source in inside and w.target in inside}
    return [n.id for n in graph.nodes if n.id in inside - entered and _is_step(graph, n)]


def _close(graph: ForeignGraph, stands: ForeignNode, inside: set[str], begins: list[str]) -> None:
    """Put the node that runs the body in the place of its steps."""
    gone = inside | {stands.id}
    into = [w for w in graph.wires if w.target in begins and w.source not in inside]
    kept = [w for w in graph.wires if w.source not in inside and w.target not in inside]
    unused = _only_for(graph, inside, _helpers(graph, inside))
    if stands.type == LOOP:
        kept += [wire._replace(target=stands.id) for wire in into if wire.source not in unused]
    graph.wires[:] = [w for w in kept if w.source not in unused and w.target not in unused]
    nodes = [n for n in graph.nodes if n.id not in gone and n.id not in unused]
    at = next((i for i, n in enumerate(graph.nodes) if n.id in gone), 0)
    nodes.insert(min(at, len(nodes)), stands)
    graph.nodes[:] = nodes


def _only_for(graph: ForeignGraph, inside: set[str], helpers: set[str]) -> set[str]:
    """Helpers that nothing but the steps inside uses."""
    users: dict[str, set[str]] = {helper: set() for helper in helpers}
    for wire in graph.wires:
        if wire.source in users:
            users[wire.source].add(wire.target)
    only = set(helpers)
    while outside := {h for h in only if not users[h] <= inside | only}:
        only -= outside
    return only


# --- what a body needs from outside ---------------------------------------------------------------


def _outer(graph: ForeignGraph, body: ForeignGraph, inside: set[str], mode: str) -> dict[str, Any]:
    """State that is carried or only read, and references to steps outside."""
    read: set[str] = set()
    written: set[str] = set()
    outer: dict[str, str] = {}
    outside = {n.id for n in graph.nodes} - {n.id for n in body.nodes}
    for node in body.nodes:
        for row in state_rows(node.settings):
            written.add(str(row.get("key")))
        for path in node.settings.get("outer", {}) if node.type == EACH else ():
            if path.startswith("$flow.state."):
                read.add(path.removeprefix("$flow.state."))
            elif path.partition(".")[0] in outside:
                outer.setdefault(path, variable(path, outer.values()))
        for text in texts_in(node.settings):
            read.update(_STATE.findall(text))
            for match in _REFERENCE.finditer(text):
                path = match[1].replace("\\", "")
                if path.partition(".")[0] in outside:
                    outer.setdefault(path, variable(path, outer.values()))
    read.discard("messages")
    carried = sorted(read & written) if mode == "loop" else []
    for key in sorted(read - set(carried)):
        outer[f"$flow.state.{key}"] = variable(key, outer.values())
    return {"carried": carried, "outer": outer}


def state_rows(settings: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a step writes into the shared state: rows of key and value."""
    from patchbay.flows.exchange.imports.params import READERS

    found: list[Mapping[str, Any]] = []
    by_code = any(
        key.startswith("selectedUpdateStateMemoryTab") and value == "updateStateMemoryCode"
        for key, value in settings.items()
    )
    for key, value in settings.items():
        if key.endswith("UpdateState") or (key == "updateStateMemoryUI" and not by_code):
            rows = READERS["json"](value)
            found += [r for r in rows if isinstance(r, Mapping)] if isinstance(rows, list) else []
    return [row for row in found if row.get("key")]
