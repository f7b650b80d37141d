"""The names of inputs, outputs and tools of an imported flow: each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering


def settle_names(lowering: Lowering) -> None:
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
