"""The last step of an import: inputs, outputs, and wires that the ports here do not take."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.flows.checks.resolve import ResolvedNode, resolve_node
from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.flows.exchange.imports.params import MISSING, value_of
from patchbay.flows.exchange.imports.secrets import HIDDEN
from patchbay.flows.secret_shapes import secret_kind, secrets_in
from patchbay.nodes.contract import Node

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering

LAST_TURN = "chat.turn"
"""Takes a conversation apart: what was asked last, and what was said before."""


def end(lowering: Lowering) -> Flow:
    """Close the draft: the flow."""
    _inputs(lowering)
    _guards(lowering)
    _outputs(lowering)
    _names(lowering)
    _versions(lowering)
    _ports(lowering)
    _secrets(lowering)
    _places(lowering)
    return lowering.draft.flow(lowering.graph)


def _inputs(lowering: Lowering) -> None:
    draft, report = lowering.draft, lowering.report
    for name, ends in lowering.asked.items():
        made = draft.add(name, "io.input", {"name": name}, _left_of(lowering))
        for end_ in ends:
            draft.wire(f"{made}.value", end_)
    if not lowering.chats and not lowering.talks and not lowering.earlier:
        return
    remembers = any(wanted for _, wanted in lowering.talks) or bool(lowering.earlier)
    plain = [*lowering.chats, *(end for end, wanted in lowering.talks if not wanted)]
    turn = lowering.catalog.get(LAST_TURN)
    if remembers and (plain or lowering.earlier) and turn is None:
        remembers = False
        words = "every turn is answered for itself: the conversation so far is not passed on"
        report.add("approximated", "Memory", words)
    kind = "messages" if remembers else "text"
    params: dict[str, Any] = {"name": "question", "kind": kind}
    asked = draft.add("question", "io.input", params, _left_of(lowering))
    text = f"{asked}.value"
    if remembers:
        for end_, wanted in lowering.talks:
            if wanted:
                draft.wire(f"{asked}.value", end_)
        if not plain and not lowering.earlier:
            return
        last = draft.add("last-turn", LAST_TURN, {})
        for end_ in lowering.earlier:
            draft.wire(f"{last}.earlier", end_)
        draft.wire(f"{asked}.value", f"{last}.messages")
        text = f"{last}.text"
    else:
        plain = [*lowering.chats, *(end_ for end_, _ in lowering.talks)]
    for end_ in dict.fromkeys(plain):
        draft.wire(text, end_)


def _guards(lowering: Lowering) -> None:
    """Put each guard in front of its port; what it refuses is answered with its message."""
    draft = lowering.draft
    for port, mapped in lowering.guards:
        spec = mapped.spec.guards
        sources = [source for source, target in draft.edges if target == port]
        if not sources or lowering.catalog.get(spec["kind"]) is None:
            words = "it stands in front of nothing, or its node is not here; it is left out"
            lowering.report.add("refused", mapped.what, words)
            continue
        given = {name: value_of(value, mapped.settings) for name, value in spec["params"].items()}
        params = {name: value for name, value in given.items() if value is not MISSING}
        asked = draft.nodes[sources[0].partition(".")[0]]
        if asked["kind"] == "io.input" and asked["params"].get("kind") == "messages":
            params["carries"] = "messages"
        made = draft.add(mapped.spec.title, spec["kind"], params, mapped.node.at)
        for source in sources:
            draft.unwire(source, port)
            draft.wire(source, f"{made}.{spec['in']}")
        draft.wire(f"{made}.{spec['out']}", port)
        guarded = port.partition(".")[0]
        for index, (answer, title) in enumerate(lowering.answers):
            if answer.partition(".")[0] == guarded:
                merge = draft.add("merge", "logic.merge", {})
                draft.wire(answer, f"{merge}.values")
                draft.wire(f"{made}.{spec['refused']}", f"{merge}.values")
                lowering.answers[index] = (f"{merge}.value", title)


def _left_of(lowering: Lowering) -> tuple[float, float] | None:
    places = list(lowering.draft.layout.values())
    if not places:
        return None
    left = min(place.x for place in places)
    return left - 360, sum(place.y for place in places) / len(places)


def _outputs(lowering: Lowering) -> None:
    draft = lowering.draft
    taken: set[str] = set()
    for end_, _title in lowering.answers:
        name, number = "answer", 1
        while name in taken:
            number += 1
            name = f"answer_{number}"
        taken.add(name)
        place = draft.layout.get(end_.partition(".")[0])
        at = (place.x + 360, place.y) if place else None
        made = draft.add("answer", "io.output", {"name": name}, at)
        draft.wire(end_, f"{made}.value")


def _names(lowering: Lowering) -> None:
    """Inputs and outputs of one name: the second input is the first; outputs get numbers."""
    draft = lowering.draft
    first: dict[str, str] = {}
    outputs: set[str] = set()
    for node_id, node in list(draft.nodes.items()):
        name = node["params"].get("name")
        if node["kind"] == "io.input" and isinstance(name, str):
            if name in first:
                _same_input(lowering, first[name], node_id)
            else:
                first[name] = node_id
        elif node["kind"] == "io.output":
            base, number = name or "answer", 1
            made = base
            while made in outputs:
                number += 1
                made = f"{base}_{number}"
            outputs.add(made)
            node["params"]["name"] = made
    _tool_names(lowering)


def _same_input(lowering: Lowering, kept: str, other: str) -> None:
    draft = lowering.draft
    mine, theirs = draft.nodes[kept]["params"], draft.nodes[other]["params"]
    if mine.get("kind", "text") != theirs.get("kind", "text"):
        theirs["name"] = f"{theirs['name']}_{theirs.get('kind', 'text')}"
        return
    for key, value in theirs.items():
        mine.setdefault(key, value)
    for source, target in list(draft.edges):
        if source == f"{other}.value":
            draft.unwire(source, target)
            draft.wire(f"{kept}.value", target)
    if other in draft.layout and kept not in draft.layout:
        draft.layout[kept] = draft.layout[other]
    draft.nodes.pop(other)


def _tool_names(lowering: Lowering) -> None:
    """Tools of one agent have names of their own; there, two may have the same."""
    draft = lowering.draft
    tools: dict[str, list[str]] = {}
    for source, target in draft.edges:
        if source.endswith(".tool") and target.endswith(".tools"):
            tools.setdefault(target, []).append(source.partition(".")[0])
    for node_ids in tools.values():
        seen: set[str] = set()
        for node_id in dict.fromkeys(node_ids):
            node = draft.nodes.get(node_id)
            if node is None or node["disabled"]:
                continue
            base = node["params"].get("name") or _default_name(lowering, node["kind"])
            made, number = base, 1
            while made in seen:
                number += 1
                made = f"{base}_{number}"
            seen.add(made)
            if made != base:
                node["params"]["name"] = made
                words = f"it is called {made!r}: another tool of the agent is {base!r} already"
                lowering.report.add("approximated", node["title"] or node["kind"], words, node_id)


def _default_name(lowering: Lowering, kind: str) -> str:
    cls = lowering.catalog.get(kind)
    field = cls.Params.model_fields.get("name") if cls is not None else None
    return field.default if field is not None and isinstance(field.default, str) else kind


def _versions(lowering: Lowering) -> None:
    for node in lowering.draft.nodes.values():
        cls = lowering.catalog.get(node["kind"]) if not node["disabled"] else None
        if cls is not None:
            node["version"] = cls.version


def _ports(lowering: Lowering) -> None:
    """Drop wires that no port takes, and all but the first into a port that takes one."""
    draft = lowering.draft
    into: dict[str, list[str]] = {}
    for source, target in draft.edges:
        into.setdefault(target, []).append(source)
    for target, sources in into.items():
        node_id, _, port = target.partition(".")
        given = draft.nodes.get(node_id)
        if given is None or given["disabled"] or _is_plain(lowering, given, port, len(sources)):
            continue
        instance = NodeInstance.model_validate(_instance(given))
        node = resolve_node(instance, lowering.catalog)
        if node.inputs is None:
            continue
        declared = node.inputs.declared.get(port)
        if declared is None:
            _no_port(lowering, node, port, sources, target)
        elif len(sources) > 1 and not declared.type.many:
            _too_many(lowering, node, sources, target)


def _is_plain(lowering: Lowering, node: Mapping[str, Any], port: str, wires: int) -> bool:
    """Whether a port is certain to be there and to take its wires, whatever the params say."""
    if node["kind"] in ("prompt.template", "prompt.chat"):
        return wires == 1  # their variables were wired as they were written
    cls = lowering.catalog.get(node["kind"])
    if cls is None or cls.input_ports.__func__ is not Node.input_ports.__func__:  # type: ignore[attr-defined]
        return False
    declared = cls.Inputs.declared.get(port)
    return declared is not None and (wires == 1 or declared.type.many)


def _instance(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if value is not None}


def _no_port(
    lowering: Lowering, node: ResolvedNode, port: str, sources: list[str], target: str
) -> None:
    for source in sources:
        lowering.draft.unwire(source, target)
    title = node.instance.title or node.instance.kind
    words = f"{node.instance.kind} has no input {port!r} here: what was wired into it is left out"
    lowering.report.add("refused", title, words, node.instance.id)


def _too_many(lowering: Lowering, node: ResolvedNode, sources: list[str], target: str) -> None:
    draft = lowering.draft
    for source in sources[1:]:
        draft.unwire(source, target)
        _prune(lowering, source.partition(".")[0])
    title = node.instance.title or node.instance.kind
    words = (
        f"it takes one of the {len(sources)} sources that it had there; "
        "put what the others hold into the first one's folder"
    )
    lowering.report.add("approximated", title, words, node.instance.id)


def _prune(lowering: Lowering, node_id: str) -> None:
    """Take a node away that nothing hangs on any more, and what led to it alone."""
    draft = lowering.draft
    if any(source.partition(".")[0] == node_id for source, _ in draft.edges):
        return
    before = [(s, t) for s, t in draft.edges if t.partition(".")[0] == node_id]
    for source, target in before:
        draft.unwire(source, target)
    draft.nodes.pop(node_id, None)
    draft.layout.pop(node_id, None)
    for source, _ in before:
        _prune(lowering, source.partition(".")[0])


def _secrets(lowering: Lowering) -> None:
    """No text of the flow looks like a key; what a param cannot hold as a reference is hidden."""
    for node in lowering.draft.nodes.values():
        if any(True for _ in secrets_in(node["params"])):
            node["params"] = _hidden(node["params"])
        if node["title"] and secret_kind(node["title"]):
            node["title"] = HIDDEN
    graph = lowering.graph
    graph.name = HIDDEN if secret_kind(graph.name) else graph.name
    graph.description = HIDDEN if secret_kind(graph.description) else graph.description


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return HIDDEN if secret_kind(value) else value
    if isinstance(value, dict):
        return {key: _hidden(inner) for key, inner in value.items() if not secret_kind(str(key))}
    return [_hidden(inner) for inner in value] if isinstance(value, list) else value


def _places(lowering: Lowering) -> None:
    layout = lowering.draft.layout
    _spread(lowering)
    for name in [name for name in layout if not _there(lowering, name)]:
        del layout[name]


WIDE, HIGH = 270, 150
"""Canvas pixels that a node has for itself."""


def _spread(lowering: Lowering) -> None:
    """Move nodes down that would lie on another one."""
    taken: dict[int, list[tuple[float, float]]] = {}
    for name, place in lowering.draft.layout.items():
        if name not in lowering.draft.nodes:
            continue
        x, y = place.x, place.y
        for _ in range(60):
            hit = _hit(taken, x, y)
            if hit is None:
                break
            y = int(hit) + HIGH
        insort(taken.setdefault(int(x // WIDE), []), (y, x))
        if y != place.y:
            lowering.draft.layout[name] = place._replace(y=y)


def _hit(taken: Mapping[int, list[tuple[float, float]]], x: float, y: float) -> float | None:
    """How high a node lies that would be lain on; None where there is room.

    Each column is sorted by height: y, then x.
    """
    column = int(x // WIDE)
    for beside in (column - 1, column, column + 1):
        lying = taken.get(beside)
        if lying is None:
            continue
        for at in range(bisect_right(lying, (y - HIGH, math.inf)), len(lying)):
            high, wide = lying[at]
            if high >= y + HIGH:
                break
            if abs(wide - x) < WIDE:
                return high
    return None


def _there(lowering: Lowering, name: str) -> bool:
    return name in lowering.draft.nodes or any(note.id == name for note in lowering.draft.notes)
