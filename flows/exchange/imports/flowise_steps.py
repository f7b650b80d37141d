"""Flowise's steps in one form: models and tools that are settings there become nodes with wires."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from patchbay.flows.exchange.imports.graph import ForeignGraph, ForeignNode, ForeignWire

PREFIXES = {
    "llmAgentflow": "llm",
    "agentAgentflow": "agent",
    "conditionAgentAgentflow": "conditionAgent",
}

_STEPS = (
    "seqAgent", "seqLLMNode", "conditionAgentflow", "seqCondition", "directReplyAgentflow",
    "toolAgentflow", "startAgentflow",
)  # fmt: skip
"""Other steps whose settings are brought into one form."""


def with_parts(graph: ForeignGraph) -> None:
    """Add what steps hold as settings to a graph, and bring their texts into one form."""
    nodes: list[ForeignNode] = []
    for node in graph.nodes:
        prefix = PREFIXES.get(node.type)
        if node.type == "toolAgentflow":
            nodes += _tool(graph, node)
        if prefix is not None:
            nodes += _parts(graph, node, prefix)
        nodes.append(_told(node, prefix or ""))
    graph.nodes[:] = nodes


def _parts(graph: ForeignGraph, node: ForeignNode, prefix: str) -> Iterator[ForeignNode]:
    settings = node.settings
    kind, config = settings.get(f"{prefix}Model"), settings.get(f"{prefix}ModelConfig")
    x, y = node.at or (0.0, 0.0)
    if isinstance(kind, str) and kind:
        made = ForeignNode(f"{node.id}:model", kind, "", _config(config), (x - 300, y + 200))
        graph.wires.append(ForeignWire(made.id, "model", node.id, "model"))
        yield made
    tools = settings.get("agentTools")
    for index, row in enumerate(tools if isinstance(tools, list) else ()):
        name = row.get("agentSelectedTool") if isinstance(row, dict) else None
        if isinstance(name, str) and name:
            given = _config(row.get("agentSelectedToolConfig"))
            at = (x - 300, y + 340 + 140 * index)
            made = ForeignNode(f"{node.id}:tool{index}", name, "", given, at)
            yield made
            source = made.id
            if row.get("agentSelectedToolRequiresHumanInput") is True:
                yield _asked(graph, source, made.at)
                source = asking(source)
            graph.wires.append(ForeignWire(source, "tool", node.id, "tools"))
    stores = settings.get("agentKnowledgeDocumentStores")
    for index, row in enumerate(stores if isinstance(stores, list) else ()):
        if isinstance(row, dict):
            name = str(row.get("documentStore", "")).partition(":")[2] or "documents"
            given = {"name": name, "description": row.get("docStoreDescription", "")}
            made = ForeignNode(
                f"{node.id}:store{index}", "knowledge:store", name, given, (x - 300, y + 500)
            )
            graph.wires.append(ForeignWire(made.id, "tool", node.id, "tools"))
            yield made


def _tool(graph: ForeignGraph, node: ForeignNode) -> Iterator[ForeignNode]:
    """The tool that a step calls."""
    name = node.settings.get("toolAgentflowSelectedTool")
    if isinstance(name, str) and name:
        x, y = node.at or (0.0, 0.0)
        given = _config(node.settings.get("toolAgentflowSelectedToolConfig"))
        made = ForeignNode(f"{node.id}:tool", name, "", given, (x - 300, y + 200))
        graph.wires.append(ForeignWire(made.id, "tool", node.id, "tools"))
        yield made


def asking(tool: str) -> str:
    """The id of the node that has a person decide about a tool."""
    return f"{tool}:asked"


def _asked(graph: ForeignGraph, tool: str, at: tuple[float, float] | None) -> ForeignNode:
    """What stands between a tool and the agent where a person is to decide."""
    graph.wires.append(ForeignWire(tool, "tool", asking(tool), "tool"))
    return ForeignNode(asking(tool), "#ask_first", "", {}, at)


def with_people(graph: ForeignGraph) -> None:
    """Sequential agents that interrupt: a person decides about each of their tools."""
    wary = {
        n.id for n in graph.nodes if n.type == "seqAgent" and n.settings.get("interrupt") is True
    }
    places = {n.id: n.at for n in graph.nodes}
    for index, wire in enumerate(graph.wires):
        if wire.target in wary and wire.input == "tools":
            if asking(wire.source) not in places:
                graph.nodes.append(_asked(graph, wire.source, places.get(wire.source)))
                places[asking(wire.source)] = None
            graph.wires[index] = wire._replace(source=asking(wire.source), output="tool")


def _config(value: Any) -> dict[str, Any]:
    return {str(k): v for k, v in value.items()} if isinstance(value, dict) else {}


def _told(node: ForeignNode, prefix: str) -> ForeignNode:
    if not prefix and node.type not in _STEPS:
        return node
    given = dict(node.settings)
    if prefix in ("llm", "agent"):
        rows = given.get(f"{prefix}Messages")
        given["step_turns"] = _turns(rows)
        given["step_user"] = given.get(f"{prefix}UserMessage") or ""
        given["step_memory"] = given.get(f"{prefix}EnableMemory", True)
        given["step_role"] = given.get(f"{prefix}ReturnResponseAs", "userMessage")
        given["step_fields"] = given.get(f"{prefix}StructuredOutput")
    elif node.type in ("seqAgent", "seqLLMNode"):
        system = given.get("systemMessagePrompt")
        given["step_turns"] = _turns([{"role": "system", "content": system}])
        given["step_user"] = given.get("humanMessagePrompt") or ""
        given["step_memory"] = True
        given["step_fields"] = given.get("llmStructuredOutput")
        title = given.get("agentName") or given.get("llmNodeName")
        return node._replace(settings=given, title=str(title or node.title))
    elif prefix == "conditionAgent":
        rows = given.get("conditionAgentScenarios")
        found = (
            [r.get("scenario") for r in rows if isinstance(r, dict)]
            if isinstance(rows, list)
            else []
        )
        given["step_ways"] = [str(scenario) for scenario in found if scenario]
        given["step_words"] = given.get("conditionAgentInstructions") or ""
        given["step_input"] = given.get("conditionAgentInput") or ""
    elif node.type in ("conditionAgentflow", "seqCondition"):
        given["step_conditions"] = _conditions(given)
    elif node.type == "directReplyAgentflow":
        given["step_reply"] = given.get("directReplyMessage") or ""
    elif node.type == "toolAgentflow":
        rows = given.get("toolInputArgs")
        given["step_arguments"] = {
            str(row["inputArgName"]): str(row.get("inputArgValue") or "")
            for row in (rows if isinstance(rows, list) else ())
            if isinstance(row, dict) and row.get("inputArgName")
        }
    elif node.type == "startAgentflow":
        given.pop("startFormInput", None)
    return node._replace(settings=given)


def _turns(rows: Any) -> list[dict[str, str]]:
    made = []
    for row in rows if isinstance(rows, list) else ():
        content = row.get("content") if isinstance(row, dict) else None
        if isinstance(content, str) and content.strip():
            role = str(row.get("role"))
            role = {"developer": "system"}.get(role, role)
            made.append(
                {"role": role if role in ("system", "assistant") else "user", "content": content}
            )
    return made


def _conditions(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = given.get("conditions") or given.get("conditionUI")
    if isinstance(rows, str):
        try:
            rows = json.loads(rows)
        except (ValueError, RecursionError):
            rows = None
    made = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            name = row.get("variable")
            value = row.get("value1") or ("{{" + str(name) + "}}" if name else "")
            made.append({**row, "value1": value})
    return made


def with_default_model(graph: ForeignGraph) -> None:
    """Steps without a model of their own use that of the start."""
    start = {node.id for node in graph.nodes if node.type == "seqStart"}
    given = [w for w in graph.wires if w.target in start and w.input == "model"]
    have = {w.target for w in graph.wires if w.input == "model"}
    if given:
        source = given[0]
        graph.wires += [
            ForeignWire(source.source, source.output, node.id, "model")
            for node in graph.nodes
            if node.type in ("seqAgent", "seqLLMNode", "seqConditionAgent") and node.id not in have
        ]
