"""Langflow's exports. Components carry their Python source; it is never read, only their type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from patchbay.flows.exchange.imports.graph import (
    ForeignGraph,
    ForeignNode,
    ForeignNote,
    ForeignWire,
    place_in,
)
from patchbay.flows.exchange.imports.providers import model_name

NEVER = frozenset({"code", "_type", "tools_metadata", "_frontend_node_flow_id"})
"""Fields that are not read: source text above all."""


def is_langflow(data: Any) -> bool:
    """Whether the data is a Langflow flow."""
    inner = data.get("data") if isinstance(data, dict) else None
    return isinstance(inner, dict) and isinstance(inner.get("nodes"), list)


def read_langflow(data: Mapping[str, Any], name: str) -> ForeignGraph:
    """The neutral graph of a Langflow flow."""
    inner = data["data"]
    title = data.get("name")
    about = data.get("description")
    graph = ForeignGraph(
        "langflow",
        title if isinstance(title, str) and title else name,
        about if isinstance(about, str) else "",
    )
    for node in inner["nodes"]:
        _add(graph, node)
    edges = inner.get("edges")
    for edge in edges if isinstance(edges, list) else ():
        wire = _wire(edge)
        if wire is not None:
            graph.wires.append(wire)
    _one_store(graph)
    _fields_of_documents(graph)
    _sessions(graph)
    return graph


def _sessions(graph: ForeignGraph) -> None:
    """Mark agents that answer what a person says, and hear what was said before."""
    known = graph.by_id()
    for index, node in enumerate(graph.nodes):
        if node.type != "Agent" or not node.settings.get("n_messages"):
            continue
        given = [w for w in graph.wires if w.target == node.id and w.input == "input_value"]
        if len(given) == 1 and (source := known.get(given[0].source)) is not None:
            told = {**node.settings, "session": source.type == "ChatInput"}
            graph.nodes[index] = node._replace(settings=told)


BASES = frozenset({"Knowledge", "KnowledgeRetrieval"})
"""What finds passages in a knowledge base: there rows with a column `content`, here documents."""
PARSERS = frozenset({"parser", "ParserComponent"})
FIELDS = {"content": "text", "_score": "score"}
_COLUMNS = re.compile(r"(?<!\{)\{(content|_score)\}(?!\})")


def _fields_of_documents(graph: ForeignGraph) -> None:
    """Parsers of what a knowledge base gives name the fields that documents have here."""
    known = graph.by_id()
    for wire in graph.wires:
        source, target = known.get(wire.source), known.get(wire.target)
        if source is None or target is None or target.type not in PARSERS:
            continue
        pattern = target.settings.get("pattern")
        if source.type in BASES and isinstance(pattern, str):
            told = dict(target.settings)
            told["pattern"] = _COLUMNS.sub(lambda found: f"{{{FIELDS[found[1]]}}}", pattern)
            graph.nodes[graph.nodes.index(target)] = target._replace(settings=told)
            known = graph.by_id()


STORES = frozenset({"AstraDB"})
"""Databases that one component fills and another searches."""


def _one_store(graph: ForeignGraph) -> None:
    """What fills a collection is wired into what searches the same one: here both are one index."""
    wired = {(wire.target, wire.input) for wire in graph.wires}
    stores = [node for node in graph.nodes if node.type in STORES]
    for filler in [n for n in stores if (n.id, "search_query") not in wired]:
        for finder in stores:
            same = all(
                filler.settings.get(key) == finder.settings.get(key)
                for key in ("database_name", "collection_name", "keyspace")
            )
            filled = (finder.id, "ingest_data") in wired
            if not same or filled or (filler.id, "ingest_data") not in wired or finder is filler:
                continue
            graph.wires[:] = [
                w._replace(target=finder.id) if w.target == filler.id else w for w in graph.wires
            ]
            graph.nodes.remove(filler)
            words = f"{filler.title or filler.type} is in two places there: both are one index here"
            graph.remarks.append(words)
            break


def _add(graph: ForeignGraph, node: Any) -> None:
    data = node.get("data") if isinstance(node, dict) else None
    if not isinstance(data, dict) or not isinstance(node.get("id"), str):
        return
    within = data.get("node")
    inner: dict[str, Any] = within if isinstance(within, dict) else {}
    at = place_in(node.get("position"))
    kind = data.get("type")
    if node.get("type") == "noteNode" or kind == "note":
        text = inner.get("description")
        size = (_size(node, "width"), _size(node, "height"))
        graph.notes.append(ForeignNote(text if isinstance(text, str) else "", at, size))
        return
    title = inner.get("display_name")
    graph.nodes.append(
        ForeignNode(
            node["id"],
            kind if isinstance(kind, str) and kind else "unnamed",
            title if isinstance(title, str) else "",
            _settings(inner),
            at,
        )
    )


def _settings(inner: Mapping[str, Any]) -> dict[str, Any]:
    template = inner.get("template")
    found: dict[str, Any] = {}
    for name, field in template.items() if isinstance(template, dict) else ():
        if name in NEVER or not isinstance(field, dict) or field.get("type") == "code":
            continue
        value = field.get("value")
        if value in (None, "", [], {}):
            continue
        if field.get("load_from_db") is True and isinstance(value, str):
            value = {"secret": value}  # the value is the name of a secret
        elif field.get("password") is True and isinstance(value, str):
            value = {"secret": name.upper()}
        found[name] = value
    if model := _model(found):
        found["provider_model"] = model
    told = found.get("system_prompt")
    if isinstance(told, str):
        found["system_prompt"], found["reads_date"] = _placeholders(told, found)
    fields = inner.get("custom_fields")
    names = fields.get("template") if isinstance(fields, dict) else None
    if isinstance(names, list):
        found["variable_values"] = {n: found[n] for n in names if isinstance(n, str) and n in found}
    return found


def _placeholders(text: str, settings: Mapping[str, Any]) -> tuple[str, bool]:
    """The instructions of an agent, whose few placeholders Langflow fills as it runs.

    What it says of the model is known here, it says nothing of the person, and the date is a value.
    """
    name = str(settings.get("provider_model") or "").partition(":")[2]
    text = text.replace("{model_name}", name) if name else text
    text = text.replace("\n{optional_user_context}", "").replace("{optional_user_context}", "")
    return text.replace("{current_date}", "{{current_date}}"), "{current_date}" in text


def _model(settings: Mapping[str, Any]) -> str:
    """`openai:gpt-4o` from any of the ways in which versions of Langflow have said it."""
    chosen = settings.get("model")
    if isinstance(chosen, list) and chosen and isinstance(chosen[0], dict):
        provider, name = chosen[0].get("provider"), chosen[0].get("name")
    else:
        provider = settings.get("provider") or settings.get("agent_llm")
        name = settings.get("model_name") or (chosen if isinstance(chosen, str) else None)
    if not isinstance(name, str) or not isinstance(provider, str):
        return ""
    return model_name(provider, name)


def _wire(edge: Any) -> ForeignWire | None:
    data = edge.get("data") if isinstance(edge, dict) else None
    if not isinstance(data, dict):
        return None
    source, target = data.get("sourceHandle"), data.get("targetHandle")
    if not isinstance(source, dict) or not isinstance(target, dict):
        return None
    begin, finish = edge.get("source"), edge.get("target")
    begin = begin if isinstance(begin, str) else source.get("id")
    finish = finish if isinstance(finish, str) else target.get("id")
    output = source.get("name")
    # The back edge of a loop ends in an output handle, which has a name and no fieldName.
    taken = target.get("fieldName") or f"<{target.get('name')}"
    if not isinstance(begin, str) or not isinstance(finish, str) or not isinstance(taken, str):
        return None
    return ForeignWire(begin, output if isinstance(output, str) else "output", finish, taken)


def _size(node: Mapping[str, Any], side: str) -> float:
    value = node.get(side)
    if isinstance(value, (int, float)) and 40 < value < 5000:
        return float(value)
    return 300.0
