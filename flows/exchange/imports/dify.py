"""Dify's DSL: workflows and chatflows (a graph), and chat, agent and completion apps (settings)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from patchbay.flows.exchange.imports.dify_conditions import condition_of, reference
from patchbay.flows.exchange.imports.dify_requests import request_of
from patchbay.flows.exchange.imports.dify_settings import round_settings, search_settings
from patchbay.flows.exchange.imports.graph import (
    ForeignGraph,
    ForeignNode,
    ForeignNote,
    ForeignWire,
    place_of,
)
from patchbay.flows.exchange.imports.providers import model_name


def is_dify(data: Any) -> bool:
    """Whether the data is a Dify DSL."""
    return (
        isinstance(data, dict)
        and isinstance(data.get("app"), dict)
        and (isinstance(data.get("workflow"), dict) or isinstance(data.get("model_config"), dict))
    )


def read_dify(data: Mapping[str, Any], name: str) -> ForeignGraph:
    """The neutral graph of an app."""
    app = data["app"]
    title, about = app.get("name"), app.get("description")
    graph = ForeignGraph(
        "dify",
        title if isinstance(title, str) and title else name,
        about if isinstance(about, str) else "",
    )
    workflow = data.get("workflow")
    inner = workflow.get("graph") if isinstance(workflow, dict) else None
    if isinstance(inner, dict) and isinstance(inner.get("nodes"), list):
        _graph(graph, inner, chat=app.get("mode") == "advanced-chat")
    else:
        _app(graph, data.get("model_config") or {}, str(app.get("mode")))
    return graph


def _graph(graph: ForeignGraph, inner: Mapping[str, Any], *, chat: bool) -> None:
    for node in inner["nodes"]:
        data = node.get("data") if isinstance(node, dict) else None
        if not isinstance(data, dict) or not isinstance(node.get("id"), str):
            continue
        at = place_of(node)
        if node.get("type") == "custom-note":
            graph.notes.append(ForeignNote(_note(data.get("text")), at))
            continue
        kind, title = data.get("type"), data.get("title")
        rows = data.get("parameters") if data.get("type") == "parameter-extractor" else ()
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and row.get("type") in ("array[object]", "array[file]"):
                words = f"{title}: {row.get('name')!r} is a list of texts here; there of objects"
                graph.remarks.append(words)
        settings = _settings(data, chat=chat)
        kind = "#search" if "search_service" in settings else kind
        graph.nodes.append(
            ForeignNode(
                node["id"],
                kind if isinstance(kind, str) and kind else "unnamed",
                title if isinstance(title, str) else "",
                settings,
                at,
                (),
                _parent(node, data),
            )
        )
    edges = inner.get("edges")
    for edge in edges if isinstance(edges, list) else ():
        if not isinstance(edge, dict):
            continue
        source, target = edge.get("source"), edge.get("target")
        if isinstance(source, str) and isinstance(target, str):
            # Edges are order there; values go by reference.
            handle = edge.get("sourceHandle")
            output = handle if isinstance(handle, str) else "source"
            graph.wires.append(ForeignWire(source, f"#{output}", target, "#order"))


def _parent(node: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """The iteration or the loop that a node is inside of."""
    told = node.get("parentId") or data.get("iteration_id") or data.get("loop_id")
    return told if isinstance(told, str) else ""


def _settings(data: Mapping[str, Any], *, chat: bool) -> dict[str, Any]:
    found = {str(k): v for k, v in data.items() if k not in ("type", "title", "desc", "selected")}
    found.update(_model(data.get("model")))
    prompt = data.get("prompt_template")
    rows = prompt if isinstance(prompt, list) else [prompt]
    for role in ("system", "user"):
        texts = [
            str(row["text"])
            for row in rows
            if isinstance(row, dict) and row.get("role", "user") == role and row.get("text")
        ]
        if texts:
            found[f"{role}_text"] = "\n\n".join(texts)
    if turns := _turns(rows):
        found["turns"] = turns
    if data.get("type") == "llm" and chat:
        memory = data.get("memory")
        told = memory.get("query_prompt_template") if isinstance(memory, dict) else None
        told = _FILES.sub("", told).strip() if isinstance(told, str) else ""
        found.setdefault("user_text", told or QUERY)
        if isinstance(memory, dict):
            found |= {"$remembers": True, "bare_query": _is_query(found["user_text"])}
    context = data.get("context")
    if isinstance(context, dict) and context.get("enabled"):
        found["context_reference"] = reference(context.get("variable_selector"))
    for key in ("query_variable_selector", "variable_selector", "iterator_selector"):
        if ref := reference(data.get(key)):
            found[f"{key}_text"] = ref
    if isinstance(data.get("variables"), list) and data.get("type") == "template-transform":
        found["values"] = {
            str(row.get("variable")): reference(row.get("value_selector"))
            for row in data["variables"]
            if isinstance(row, dict)
        }
    found.update(round_settings(data))
    if data.get("type") == "if-else":
        found["$ways"] = _conditions(data)
    elif data.get("type") == "http-request":
        title = data.get("title")
        found["$request"] = request_of(title if isinstance(title, str) else "", data)
    elif data.get("type") == "question-classifier":
        found["$ways"] = _classes(data)
    elif data.get("type") == "tool":
        found |= search_settings(data)
    outputs = data.get("outputs")
    if data.get("type") == "end" and isinstance(outputs, list):
        found["answer"] = "\n".join(
            reference(row.get("value_selector")) for row in outputs if isinstance(row, dict)
        )
    return found


def _turns(rows: Sequence[Any]) -> list[dict[str, str]]:
    """The messages of a prompt in order, where the assistant speaks among them."""
    told = [
        {"role": str(row.get("role", "user")), "text": str(row["text"])}
        for row in rows
        if isinstance(row, dict) and row.get("text")
    ]
    spoken = [turn for turn in told if turn["role"] in ("system", "user", "assistant")]
    return spoken if any(turn["role"] == "assistant" for turn in spoken) else []


QUERY = "{{#sys.query#}}"
"""What the person says."""
_QUESTION = re.compile(r"\{\{#(?:[\w-]+\.)?sys\.query#\}\}")
_FILES = re.compile(r"\{\{#(?:[\w-]+\.)?sys\.files#\}\}")


def _is_query(text: str) -> bool:
    """Whether a text is the question alone."""
    return _QUESTION.fullmatch(text.strip()) is not None


def _conditions(data: Mapping[str, Any]) -> dict[str, Any]:
    """IF/ELSE: cases in order, each by one condition or by any of several."""
    cases = data.get("cases")
    if not isinstance(cases, list):
        cases = [{**data, "case_id": "true"}]
    made: list[dict[str, Any]] = []
    for case in cases:
        found = case.get("conditions") if isinstance(case, dict) else None
        if not isinstance(found, list) or not found:
            return {"refused": "A case of it holds no conditions."}
        rows = [condition_of(condition) for condition in found]
        if None in rows:
            return {"refused": "It looks at a value by a test that has no equal."}
        handle = str(case.get("case_id") or case.get("id") or "true")
        every = case.get("logical_operator") != "or"
        made.append({"handle": handle, "all": every, "rows": rows})
    return {"by": "conditions", "cases": made, "otherwise": "false", "case_sensitive": True}


def _classes(data: Mapping[str, Any]) -> dict[str, Any]:
    """Question classifier: a model chooses a class."""
    classes = data.get("classes")
    rows = [
        {"name": str(row["name"]), "handle": str(row.get("id", ""))}
        for row in (classes if isinstance(classes, list) else ())
        if isinstance(row, dict) and row.get("name")
    ]
    if not rows:
        return {"refused": "It names no classes."}
    told = data.get("instruction") or data.get("instructions") or ""
    look_at = reference(data.get("query_variable_selector")) or "{{#sys.query#}}"
    return {"by": "model", "rows": rows, "look_at": look_at, "instructions": str(told)}


def _model(model: Any) -> dict[str, Any]:
    if not isinstance(model, dict) or not isinstance(model.get("name"), str):
        return {}
    provider = str(model.get("provider", "")).rpartition("/")[2].lower()
    options = model.get("completion_params")
    found: dict[str, Any] = {"provider_model": model_name(provider, model["name"])}
    for key in ("temperature", "max_tokens"):
        if isinstance(options, dict) and key in options:
            found[key] = options[key]
    return found


def _app(graph: ForeignGraph, config: Mapping[str, Any], mode: str) -> None:
    """A chat, agent or completion app as one model or agent."""
    prompt = config.get("pre_prompt")
    settings: dict[str, Any] = {"model": config.get("model"), **_model(config.get("model"))}
    settings["system_text"] = prompt if isinstance(prompt, str) else ""
    agent = config.get("agent_mode")
    tools = agent.get("tools") if isinstance(agent, dict) and agent.get("enabled") else None
    if mode == "completion":
        settings["user_text"] = settings.pop("system_text")
    else:
        settings["user_text"] = QUERY
        settings["$remembers"] = settings["bare_query"] = True
    kind = "agent" if mode == "agent-chat" or tools else "llm"
    graph.nodes.append(ForeignNode("app", kind, "", settings, (0, 0)))
    for number, tool in enumerate(tools if isinstance(tools, list) else ()):
        name = tool.get("tool_name") if isinstance(tool, dict) else None
        if isinstance(name, str):
            graph.nodes.append(
                ForeignNode(f"tool{number}", f"tool:{name}", name, {}, (-300, 120.0 * number))
            )
            graph.wires.append(ForeignWire(f"tool{number}", "tool", "app", "tools"))


def _note(text: Any) -> str:
    """A note is a rich text in JSON there; only its words are taken."""
    import json

    try:
        root = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return text if isinstance(text, str) else ""
    words: list[str] = []
    stack = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if isinstance(item.get("text"), str):
                words.append(item["text"])
            stack.extend(reversed([v for v in item.values() if isinstance(v, (dict, list))]))
        elif isinstance(item, list):
            stack.extend(reversed(item))
    return "\n".join(words)
