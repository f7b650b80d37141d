"""Haystack's pipelines in YAML. Types are import paths there; here they are names and no more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from patchbay.flows.exchange.imports.graph import ForeignGraph, ForeignNode, ForeignWire

_LOOP = re.compile(
    r"\{%-?\s*for\s+(?P<item>\w+)\s+in\s+(?P<list>\w+)\s*-?%\}(?P<body>.{0,2000}?)"
    r"\{%-?\s*endfor\s*-?%\}",
    re.DOTALL,
)
_TAG = re.compile(r"\{%.{0,400}?%\}", re.DOTALL)
_FILTER = re.compile(r"\{\{\s*([A-Za-z_]\w{0,63})(?:\s*\|\s*[^{}]{0,100}|\.[^{}]{0,100})\s*\}\}")


def is_haystack(data: Any) -> bool:
    """Whether the data is a Haystack pipeline."""
    parts = data.get("components") if isinstance(data, dict) else None
    return isinstance(parts, dict) and all(
        isinstance(part, dict) and isinstance(part.get("type"), str) for part in parts.values()
    )


def read_haystack(data: Mapping[str, Any], name: str) -> ForeignGraph:
    """The neutral graph of a pipeline."""
    graph = ForeignGraph("haystack", name)
    for index, (key, part) in enumerate(data["components"].items()):
        settings = part.get("init_parameters")
        settings = dict(settings) if isinstance(settings, dict) else {}
        kind = part["type"].rpartition(".")[2]
        settings = {str(k): _plain(v) for k, v in settings.items()}
        _templates(settings, graph, str(key))
        at = (340.0 * (index % 6), 260.0 * (index // 6))
        graph.nodes.append(ForeignNode(str(key), kind, str(key), settings, at))
    connections = data.get("connections")
    for row in connections if isinstance(connections, list) else ():
        sender, receiver = (
            (row.get("sender"), row.get("receiver")) if isinstance(row, dict) else (0, 0)
        )
        if isinstance(sender, str) and isinstance(receiver, str):
            source, _, output = sender.partition(".")
            target, _, taken = receiver.partition(".")
            graph.wires.append(ForeignWire(source, output or "output", target, taken or "input"))
    return graph


def _plain(value: Any) -> Any:
    """Secrets of the environment map one to one."""
    if isinstance(value, dict) and value.get("type") == "env_var":
        names = value.get("env_vars")
        if isinstance(names, list) and names and isinstance(names[0], str):
            return {"secret": names[0]}
    if (
        isinstance(value, dict)
        and isinstance(value.get("type"), str)
        and "init_parameters" in value
    ):
        return {"store": value["type"].rpartition(".")[2]}
    return value


def _templates(settings: dict[str, Any], graph: ForeignGraph, key: str) -> None:
    template = settings.get("template")
    if isinstance(template, str):
        settings["user_text"] = without_jinja(template, graph, key)
    elif isinstance(template, list):
        for role in ("system", "user"):
            texts = [_said(row) for row in template if isinstance(row, dict) and _role(row) == role]
            if texts:
                settings[f"{role}_text"] = without_jinja("\n\n".join(texts), graph, key)


def _role(row: Mapping[str, Any]) -> str:
    role = row.get("role") or row.get("_role")
    return str(role) if role in ("system", "user") else "other"


def _said(row: Mapping[str, Any]) -> str:
    content = row.get("content") or row.get("_content") or row.get("text")
    if isinstance(content, list):
        return "\n".join(str(p.get("text", "")) for p in content if isinstance(p, dict))
    return content if isinstance(content, str) else ""


def without_jinja(text: str, graph: ForeignGraph, key: str) -> str:
    """The text with its variables; loops over documents become the documents, the rest is told."""

    def loop(match: re.Match[str]) -> str:
        body = re.sub(r"\s+", " ", match["body"])
        item = re.escape(match["item"])
        if re.fullmatch(rf"[^{{}}]{{0,80}}\{{\{{ ?{item}(\.content)? ?\}}\}}[^{{}}]{{0,20}}", body):
            return "{{" + match["list"] + "}}"
        graph.remarks.append(
            f"{key}: a loop of its template is Jinja code; its list stands there whole"
        )
        return "{{" + match["list"] + "}}"

    text = _LOOP.sub(loop, text)
    if _FILTER.search(text):
        graph.remarks.append(f"{key}: filters and attributes in its template are left out")
        text = _FILTER.sub(lambda match: "{{" + match[1] + "}}", text)
    if _TAG.search(text):
        graph.remarks.append(f"{key}: conditions in its template are Jinja code and are left out")
        text = _TAG.sub("", text)
    return text
