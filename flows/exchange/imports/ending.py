"""The last step of an import: inputs, outputs, and wires that the ports here do not take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.flows.checks.resolve import ResolvedNode, resolve_node
from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.flows.exchange.imports.naming import settle_names
from patchbay.flows.exchange.imports.params import MISSING, value_of
from patchbay.flows.exchange.imports.places import left_of, tidy_places
from patchbay.flows.exchange.imports.secrets import HIDDEN
from patchbay.flows.secret_shapes import holds_secret, secret_kind
from patchbay.nodes.contract import Node

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering

LAST_TURN = "chat.turn"
"""Takes a conversation apart: what was asked last, and what was said before."""


def end(lowering: Lowering) -> Flow:
    """Close the draft: the flow."""
    _inputs(lowering)
    _sessions(lowering)
    _guards(lowering)
    _outputs(lowering)
    settle_names(lowering)
    _versions(lowering)
    _ports(lowering)
    _secrets(lowering)
    tidy_places(lowering)
    return lowering.draft.flow(lowering.graph)


def _inputs(lowering: Lowering) -> None:
    draft, report = lowering.draft, lowering.report
    for name, ends in lowering.asked.items():
        kind = lowering.kinds.get(name)
        params = {"name": name, **({"kind": kind} if kind else {})}
        made = draft.add(name, "io.input", params, left_of(lowering))
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
    asks: dict[str, Any] = {"name": "question", "kind": "messages" if remembers else "text"}
    asked = draft.add("question", "io.input", asks, left_of(lowering))
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


def _sessions(lowering: Lowering) -> None:
    """Give agents that hear what was said before the conversation; the others its last turn."""
    draft = lowering.draft
    talks = {
        lowering.endpoint(mapped, mapped.spec.session)
        for mapped in lowering.mapped.values()
        if mapped.spec.session and mapped.settings.get("session") is True
    }
    asked = {source for source, target in draft.edges if target in talks}
    for source in sorted(asked):
        given = draft.nodes[source.partition(".")[0]]
        if given["kind"] != "io.input" or given["params"].get("kind", "text") != "text":
            continue
        given["params"]["kind"] = "messages"
        others = [end_ for start, end_ in draft.edges if start == source and end_ not in talks]
        if not others:
            continue
        last = draft.add("last-turn", LAST_TURN, {})
        draft.wire(source, f"{last}.messages")
        for end_ in others:
            draft.unwire(source, end_)
            draft.wire(f"{last}.text", end_)


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
        if holds_secret(node["params"]):
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
