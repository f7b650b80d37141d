"""Flowise's exports: chatflows and agentflows, single or in a workspace export."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from patchbay.flows.document.edit import fresh_id
from patchbay.flows.exchange.imports.flowise_steps import (
    with_default_model,
    with_parts,
    with_people,
)
from patchbay.flows.exchange.imports.graph import ForeignGraph, ForeignNode, ForeignWire, place_of
from patchbay.flows.exchange.imports.params import READERS

_REFERENCE = re.compile(r"^\{\{([^{}]{1,200})\.data\.instance\}\}$")
_LISTS = (
    "ChatFlow", "AgentFlow", "AgentFlowV2", "AssistantFlow", "CustomTemplate", "ChatFlows",
    "AgentFlows",
)  # fmt: skip
"""Lists of flows in a workspace export ("Export all"), as of Flowise 3.1."""
_LEFT = {
    "ChatMessage": "chat messages", "ChatMessageFeedback": "feedback", "Execution": "executions",
    "Tool": "custom tools", "Variable": "variables", "DocumentStore": "document stores",
    "AssistantCustom": "assistants", "AssistantOpenAI": "OpenAI assistants",
    "AssistantAzure": "Azure assistants",
}  # fmt: skip
"""Its other lists, which hold no flow."""
_RUNS = ("selectedChatflow", "executeFlowSelectedFlow")
"""Settings that name a flow of the same server by its id."""


def is_flowise(data: Any) -> bool:
    """Whether the data is a Flowise flow, or a workspace export of them."""
    if not isinstance(data, dict):
        return False
    if any(isinstance(data.get(key), list) for key in _LISTS):
        return True
    nodes = data.get("nodes")
    return isinstance(nodes, list) and any(
        isinstance(node, dict)
        and isinstance(node.get("data"), dict)
        and isinstance(node["data"].get("name"), str)
        for node in nodes
    )


def graphs_of_flowise(data: Mapping[str, Any], name: str) -> Iterator[ForeignGraph]:
    """The neutral graphs of an export: a single flow, or all of a workspace.

    In a workspace a flow that another one runs by its id is found by its name.
    """
    found = list(_flows_of(data, name))
    stems: list[str] = []
    for _, title, _ in found:
        stems.append(fresh_id(title, stems))
    known = {flow_id: stem for (flow_id, _, _), stem in zip(found, stems, strict=True) if flow_id}
    for number, (_, title, flow) in enumerate(found):
        graph = read_flowise(flow, title, known)
        if number == 0 and (left := _left(data)):
            graph.remarks.append(f"the export also holds {left}, which are not taken over")
        yield graph


def _flows_of(data: Mapping[str, Any], name: str) -> Iterator[tuple[str, str, Any]]:
    """The flows in an export, each with its id and name; `flowData` is a JSON text there."""
    if isinstance(data.get("nodes"), list):
        yield "", str(data.get("name") or name), data
        return
    for key in _LISTS:
        rows = data.get(key)
        for row in rows if isinstance(rows, list) else ():
            flow = row.get("flowData") if isinstance(row, dict) else None
            if isinstance(flow, str):
                try:
                    flow = json.loads(flow)
                except (ValueError, RecursionError):
                    flow = None
            if isinstance(flow, dict) and isinstance(flow.get("nodes"), list):
                yield _text(row.get("id")), str(row.get("name") or f"{name} {key}"), flow


def _left(data: Mapping[str, Any]) -> str:
    """What else a workspace export holds, in words."""
    counts = {
        words: len(rows)
        for key, words in _LEFT.items()
        if isinstance(rows := data.get(key), list) and rows
    }
    return ", ".join(f"{count:,} {words}" for words, count in counts.items())


def read_flowise(
    data: Mapping[str, Any], name: str, flows: Mapping[str, str] = MappingProxyType({})
) -> ForeignGraph:
    """The neutral graph of one chatflow or agentflow.

    Args:
        data: the flow.
        name: its name.
        flows: what flows of the same export are called here, by their ids there.
    """
    graph = ForeignGraph("flowise", name, _text(data.get("description")))
    undrawn: list[ForeignWire] = []
    for node in data["nodes"]:
        made = _node(node, undrawn)
        if made is not None:
            graph.nodes.append(made)
    with_parts(graph)
    _with_flows(graph, flows)
    edges = data.get("edges")
    for edge in edges if isinstance(edges, list) else ():
        if isinstance(edge, dict) and (wire := _wire(edge)) is not None:
            graph.wires.append(wire)
    if undrawn:
        known = {node.id for node in graph.nodes}
        drawn = {(wire.source, wire.target) for wire in graph.wires}
        graph.wires += [w for w in undrawn if w.source in known and w[::2] not in drawn]
    with_default_model(graph)
    _with_services(graph)
    with_people(graph)
    return graph


def _with_flows(graph: ForeignGraph, flows: Mapping[str, str]) -> None:
    """Name the flows of the same export that nodes run."""
    for index, node in enumerate(graph.nodes if flows else ()):
        runs = next((v for key in _RUNS if isinstance(v := node.settings.get(key), str)), "")
        if runs in flows:
            settings = {**node.settings, "flow_here": flows[runs]}
            graph.nodes[index] = node._replace(settings=settings)


def _with_services(graph: ForeignGraph) -> None:
    """A chain over Replicate is a call of that service: there it is no chat model either."""
    services = {node.id: node for node in graph.nodes if node.type == "replicate"}
    if not services:
        return
    chains = {n.id for n in graph.nodes if n.type == "llmChain"}
    used = [w for w in graph.wires if w.source in services and w.target in chains]
    for wire in used:
        settings = services[wire.source].settings
        given: dict[str, Any] = {"prompt": "{prompt}"}
        for there, here in _INPUTS.items():
            number = READERS["number"](settings.get(there))
            if isinstance(number, (int, float)):
                given[here] = number
        told = {"replicate_model": settings.get("model"), "replicate_input": given}
        graph.nodes[:] = [
            n._replace(type="#replicate", settings={**n.settings, **told})
            if n.id == wire.target
            else n
            for n in graph.nodes
        ]
    graph.wires[:] = [w for w in graph.wires if w not in used]
    idle = set(services) - {w.source for w in graph.wires}
    gone = idle & {w.source for w in used}
    graph.nodes[:] = [node for node in graph.nodes if node.id not in gone]


_INPUTS = {
    "temperature": "temperature",
    "maxTokens": "max_length",
    "topP": "top_p",
    "repetitionPenalty": "repetition_penalty",
}
"""What Flowise calls inputs of Replicate's models → what they are called there."""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _node(node: Any, undrawn: list[ForeignWire]) -> ForeignNode | None:
    """A node; what its inputs refer to is added to the wires that edges may not draw."""
    data = node.get("data") if isinstance(node, dict) else None
    if not isinstance(data, dict) or not isinstance(node.get("id"), str):
        return None
    inputs = data.get("inputs")
    settings: dict[str, Any] = {}
    for key, value in inputs.items() if isinstance(inputs, dict) else ():
        sources = _references(value) if isinstance(value, (str, list)) else ()
        undrawn.extend(ForeignWire(source, "output", node["id"], key) for source in sources)
        if not sources or (isinstance(value, list) and len(sources) < len(value)):
            settings[key] = value
    parent = _text(node.get("parentNode") or node.get("parentId"))
    kind, title = _text(data.get("name")) or "unnamed", _text(data.get("label"))
    return ForeignNode(node["id"], kind, title, settings, place_of(node), (), parent)


def _references(value: str | list[Any]) -> Sequence[str]:
    """The nodes that a setting refers to, where it is made of references."""
    if isinstance(value, str):
        match = _REFERENCE.match(value) if value.startswith("{{") else None
        return (match[1],) if match else ()
    texts = (item for item in value if isinstance(item, str) and item.startswith("{{"))
    return [match[1] for text in texts if (match := _REFERENCE.match(text))]


def _wire(edge: Mapping[str, Any]) -> ForeignWire | None:
    source, target = edge.get("source"), edge.get("target")
    if not isinstance(source, str) or not isinstance(target, str):
        return None
    output = _handle(_text(edge.get("sourceHandle")), f"{source}-output-")
    taken = _handle(_text(edge.get("targetHandle")), f"{target}-input-")
    return ForeignWire(source, output or "output", target, taken or "input")


def _handle(handle: str, prefix: str) -> str:
    """The name in `id-output-name-Type|Type`; ids may hold anything."""
    return handle.removeprefix(prefix).split("-")[0] if handle.startswith(prefix) else ""
