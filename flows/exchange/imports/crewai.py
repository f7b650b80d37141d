"""CrewAI's agents.yaml and tasks.yaml. Who does what may stand in Python: the order then counts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from patchbay.flows.exchange.imports.graph import ForeignGraph, ForeignNode, ForeignWire
from patchbay.flows.exchange.imports.providers import model_of_path

_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def agents_of(data: Any) -> Mapping[str, Any]:
    """The agents in the data of a file; empty where it holds none."""
    return _rows(data, "role", "goal") or _rows(data, "role", "backstory")


def tasks_of(data: Any) -> Mapping[str, Any]:
    """The tasks in the data of a file."""
    return _rows(data, "description", "expected_output")


def _rows(data: Any, *keys: str) -> Mapping[str, Any]:
    if not isinstance(data, dict) or not data:
        return {}
    inner = data.get("agents" if "role" in keys else "tasks")
    rows = inner if isinstance(inner, dict) else data
    found = {
        str(name): row
        for name, row in rows.items()
        if isinstance(row, dict) and all(isinstance(row.get(key), str) for key in keys)
    }
    return found


def read_crewai(agents: Mapping[str, Any], tasks: Mapping[str, Any], name: str) -> ForeignGraph:
    """The neutral graph of a crew."""
    graph = ForeignGraph("crewai", name)
    models: dict[str, str] = {}
    for index, (key, row) in enumerate(agents.items()):
        said = row.get("llm") or row.get("model")
        model = said.strip() if isinstance(said, str) else ""
        if model not in models:
            models[model] = f"model:{model or 'default'}"
            settings = {"provider_model": model_of_path(model), "said": model}
            graph.nodes.append(
                ForeignNode(models[model], "llm", "Model", settings, (0, 200.0 * index))
            )
        _agent(graph, key, row, models[model], index)
    crew = ForeignNode("crew:crew", "crew", "Crew", {}, (1200, 100))
    before = ""
    for index, (key, row) in enumerate(tasks.items()):
        _task(graph, key, row, agents, index)
        context = row.get("context")
        wanted = context if isinstance(context, list) else []
        for other in wanted:
            if isinstance(other, str) and other in tasks:
                graph.wires.append(ForeignWire(f"task:{other}", "task", f"task:{key}", "context"))
        graph.wires.append(ForeignWire(f"task:{key}", "task", crew.id, "tasks"))
        before = key
    if before:
        graph.nodes.append(crew)
    if not tasks:
        graph.remarks.append("The tasks are missing: import agents.yaml together with tasks.yaml.")
    return graph


def _agent(graph: ForeignGraph, key: str, row: Mapping[str, Any], model: str, index: int) -> None:
    settings = {k: v.strip() if isinstance(v, str) else v for k, v in row.items()}
    _fill(settings, "role", "goal", "backstory")
    graph.nodes.append(ForeignNode(f"agent:{key}", "agent", key, settings, (400, 200.0 * index)))
    graph.wires.append(ForeignWire(model, "model", f"agent:{key}", "llm"))
    tools = row.get("tools")
    for number, tool in enumerate(tools if isinstance(tools, list) else ()):
        kind = (
            tool if isinstance(tool, str) else tool.get("name") if isinstance(tool, dict) else None
        )
        if isinstance(kind, str) and kind:
            made = ForeignNode(
                f"tool:{key}:{number}", kind, kind, {}, (200, 200.0 * index + 60 * number)
            )
            graph.nodes.append(made)
            graph.wires.append(ForeignWire(made.id, "tool", f"agent:{key}", "tools"))


def _fill(settings: dict[str, Any], *names: str) -> None:
    """Note that some of these texts have variables, which `kickoff` fills there."""
    if any(_VARIABLE.search(str(settings.get(name, ""))) for name in names):
        settings["has_variables"] = True


def _task(
    graph: ForeignGraph, key: str, row: Mapping[str, Any], agents: Mapping[str, Any], index: int
) -> None:
    settings = {k: v.strip() if isinstance(v, str) else v for k, v in row.items()}
    _fill(settings, "expected_output")
    graph.nodes.append(ForeignNode(f"task:{key}", "task", key, settings, (800, 200.0 * index)))
    agent = row.get("agent")
    if not isinstance(agent, str) or agent not in agents:
        names = list(agents)
        if not names:
            return
        agent = names[min(index, len(names) - 1)]
        graph.remarks.append(f"{key}: the file does not say who does it; by order it is {agent!r}")
    graph.wires.append(ForeignWire(f"agent:{agent}", "agent", f"task:{key}", "agent"))
