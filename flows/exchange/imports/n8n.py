"""n8n's workflows: connections by names of nodes. Expressions are JavaScript and never run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from patchbay.flows.exchange.imports.graph import (
    ForeignGraph,
    ForeignNode,
    ForeignNote,
    ForeignWire,
)

_EXPRESSION = re.compile(r"\{\{(.{0,2000}?)\}\}", re.DOTALL)
_KNOWN = (
    (re.compile(r"^\$json\.(chatInput|query|question|message|input|body\.message)$"), "question"),
    (re.compile(r"^\$json\.(output|text|response|answer|message\.content|content)$"), "before"),
    (re.compile(r"""^\$\(['"]([^'"]{1,120})['"]\)\.(?:item|first\(\))\.json\.\w+$"""), "node"),
    (re.compile(r"""^\$node\[['"]([^'"]{1,120})['"]\]\.json\.\w+$"""), "node"),
)
"""The few expressions that only say where a value comes from: a closed list, read by their form."""


def is_n8n(data: Any) -> bool:
    """Whether the data is an n8n workflow."""
    nodes = data.get("nodes") if isinstance(data, dict) else None
    return (
        isinstance(nodes, list)
        and isinstance(data.get("connections"), dict)
        and any(
            isinstance(n, dict) and isinstance(n.get("type"), str) and "." in n["type"]
            for n in nodes
        )
    )


def read_n8n(data: Mapping[str, Any], name: str) -> ForeignGraph:
    """The neutral graph of a workflow."""
    title = data.get("name")
    graph = ForeignGraph("n8n", title if isinstance(title, str) and title else name)
    for node in data["nodes"]:
        _node(graph, node)
    for source, ways in data["connections"].items():
        for kind, groups in ways.items() if isinstance(ways, dict) else ():
            for index, group in enumerate(groups if isinstance(groups, list) else ()):
                for end in group if isinstance(group, list) else ():
                    target = end.get("node") if isinstance(end, dict) else None
                    if isinstance(target, str):
                        output = str(kind) if kind != "main" or index == 0 else f"main{index}"
                        graph.wires.append(ForeignWire(str(source), output, target, str(kind)))
    before = {w.target: w.source for w in reversed(graph.wires) if w.input == "main"}
    kinds = {node.id: node.type for node in graph.nodes}

    def speaker(node: str) -> str:
        """The node whose output is read: conditions pass on what they are given."""
        for _ in range(50):
            node = before.get(node, "")
            if kinds.get(node) not in ("if", "switch", "filter", "textClassifier"):
                break
        return node

    graph.nodes = [_read(node, graph, speaker(node.id)) for node in graph.nodes]
    graph.nodes = [
        node._replace(settings={**node.settings, "$ways": ways_of(node)})
        if node.type in ("if", "switch", "filter", "textClassifier")
        else node
        for node in graph.nodes
    ]
    return graph


TESTS = {
    "equals": "equals", "notEquals": "does not equal", "contains": "contains",
    "notContains": "does not contain", "startsWith": "starts with", "endsWith": "ends with",
    "empty": "is empty", "notEmpty": "is not empty", "exists": "is not empty",
    "notExists": "is empty", "isEmpty": "is empty", "isNotEmpty": "is not empty",
    "equal": "equals", "notEqual": "does not equal", "gt": ">", "lt": "<", "gte": ">=",
    "lte": "<=", "larger": ">", "smaller": "<", "largerEqual": ">=", "smallerEqual": "<=",
}  # fmt: skip


def ways_of(node: ForeignNode) -> dict[str, Any]:
    """A condition in the neutral form."""
    settings = node.settings
    if node.type == "textClassifier":
        held = settings.get("categories")
        rows = held.get("categories") if isinstance(held, dict) else None
        found = [
            {"name": str(row["category"]), "about": row.get("description"), "handle": _main(index)}
            for index, row in enumerate(rows if isinstance(rows, list) else ())
            if isinstance(row, dict) and row.get("category")
        ]
        look_at = str(settings.get("inputText") or "{{question}}")
        if not found:
            return {"refused": "It names no categories."}
        return {"by": "model", "rows": found, "look_at": look_at}
    if node.type == "switch":
        rules = settings.get("rules")
        values = rules.get("values") or rules.get("rules") if isinstance(rules, dict) else None
        groups = [row.get("conditions") for row in values or () if isinstance(row, dict)]
    else:
        groups = [settings.get("conditions")]
    made: list[dict[str, Any]] = []
    for index, group in enumerate(groups):
        rows = _rows(group)
        if rows is None:
            return {"refused": "Its conditions may be JavaScript, or are several at once."}
        made += [{**row, "handle": _main(index)} for row in rows]
    return {"by": "conditions", "rows": made, "otherwise": _main(len(groups))}


def _main(index: int) -> str:
    return "main" if index == 0 else f"main{index}"


def _rows(group: Any) -> list[dict[str, Any]] | None:
    """The conditions of one way; None where they cannot be read as data."""
    rows = group.get("conditions") if isinstance(group, dict) else None
    if not isinstance(rows, list):
        return None
    if not rows or (len(rows) > 1 and group.get("combinator") != "or"):
        return None
    made = []
    for row in rows:
        operator = row.get("operator") if isinstance(row, dict) else None
        test = TESTS.get(str(operator.get("operation"))) if isinstance(operator, dict) else None
        left, right = str(row.get("leftValue", "")), row.get("rightValue")
        look_at = _looked_at(left)
        if test is None or not look_at or (isinstance(right, str) and right.startswith("=")):
            return None
        operand = None if test in ("is empty", "is not empty") else right
        made.append({"look_at": look_at, "test": test, "operand": operand})
    return made


def _looked_at(text: str) -> str:
    """What a condition looks at: the question, or a plain text; never an expression."""
    match = _EXPRESSION.fullmatch(text.removeprefix("=").strip())
    if match and _KNOWN[0][0].match(match[1].strip()):
        return "{{question}}"
    if match and (_KNOWN[2][0].match(match[1].strip()) or _KNOWN[3][0].match(match[1].strip())):
        found = _KNOWN[2][0].match(match[1].strip()) or _KNOWN[3][0].match(match[1].strip())
        return "{{node:" + found[1] + "}}" if found else ""
    return ""


def _node(graph: ForeignGraph, node: Any) -> None:
    if not isinstance(node, dict) or not isinstance(node.get("name"), str):
        return
    kind = node.get("type")
    kind = kind.rpartition(".")[2] if isinstance(kind, str) else "unnamed"
    settings = node.get("parameters")
    settings = {str(k): v for k, v in settings.items()} if isinstance(settings, dict) else {}
    place = node.get("position")
    at = None
    if (
        isinstance(place, list)
        and len(place) == 2
        and all(isinstance(v, (int, float)) for v in place)
    ):
        at = (float(place[0]), float(place[1]))
    if kind == "stickyNote":
        text = settings.get("content")
        graph.notes.append(ForeignNote(text if isinstance(text, str) else "", at))
        return
    options = settings.get("options")
    if isinstance(options, dict):
        settings = {**{f"option_{k}": v for k, v in options.items()}, **settings}
    model = settings.get("model")
    if isinstance(model, dict):  # a "resource locator"
        settings["model"] = model.get("value")
    if node.get("disabled") is True:
        graph.remarks.append(f"{node['name']} was switched off there and is on here.")
    graph.nodes.append(ForeignNode(node["name"], kind, node["name"], settings, at))


def _read(node: ForeignNode, graph: ForeignGraph, before: str) -> ForeignNode:
    """The node with its expressions as references, or told as left out."""
    made: dict[str, Any] = {}
    for key, value in node.settings.items():
        made[key] = value
        if isinstance(value, str) and value.startswith("="):
            made[key] = _EXPRESSION.sub(lambda m: _expression(m[1], node, graph, before), value[1:])
    return ForeignNode(node.id, node.type, node.title, made, node.at, node.ports)


def _expression(text: str, node: ForeignNode, graph: ForeignGraph, before: str) -> str:
    said = text.strip()
    for pattern, what in _KNOWN:
        match = pattern.match(said)
        if match and what == "question":
            return "{{question}}"
        if match and what == "before" and before:
            return "{{node:" + before + "}}"
        if match and what == "node":
            return "{{node:" + match[1] + "}}"
    graph.remarks.append(
        f"{node.title}: the expression {said[:80]!r} is JavaScript and is left out"
    )
    return "[an expression stood here]"
