"""Nodes that are a plain call of CrewAI: roles, tasks and sequential crews."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.flows.checks.resolve import ResolvedNode
from patchbay.flows.exchange.call import (
    SAMPLING,
    Call,
    Maker,
    Values,
    arguments,
    from_port,
    is_text,
    one_of,
    only,
    params_of,
)
from patchbay.flows.exchange.packages import crewai_model

if TYPE_CHECKING:
    from patchbay.flows.exchange.script_draft import ScriptDraft

PLAIN_ROLE = ("role", "goal", "backstory", "fill", "delegation", "iterations")
"""Settings of a role that CrewAI has too."""

# --- crews ----------------------------------------------------------------------------------------


def _crew_is_plain(made: ScriptDraft, crew: ResolvedNode) -> bool:
    """Whether all of a crew is what CrewAI says by itself."""
    if (
        not only(params_of(crew), "process")
        or crew.instance.params.get("process", "sequential") != "sequential"
    ):
        return False
    outgoing = made.resolved.outgoing[crew.instance.id]
    if set(outgoing) - {"text"} or made.resolved.incoming[crew.instance.id].get("agents"):
        return False
    tasks = from_port(made, crew, "tasks")
    return bool(tasks) and all(_task_is_plain(made, task) for task in tasks)


def _task_is_plain(made: ScriptDraft, task: ResolvedNode) -> bool:
    agents = from_port(made, task, "agent")
    ports = _filled(made, task)
    return (
        task.instance.kind == "agent.task"
        and only(params_of(task), "description", "expected", "fill")
        and len(agents) == 1
        and agents[0].instance.kind == "agent.role"
        and only(params_of(agents[0]), *PLAIN_ROLE)
        and not made.resolved.incoming[agents[0].instance.id].get("tools")
        and _has_plain_provider(made, agents[0])
        and all(is_text(made, task, port) for port in ports)
        and all(is_text(made, agents[0], port) for port in _filled(made, agents[0]))
    )


def _filled(made: ScriptDraft, node: ResolvedNode) -> list[str]:
    """The inputs that fill its texts."""
    own = ("agent", "context", "model", "tools")
    return [port for port in made.resolved.incoming[node.instance.id] if port not in own]


def _given(made: ScriptDraft, node: ResolvedNode, inputs: Values) -> dict[str, str]:
    """What is wired into them."""
    own = _filled(made, node)
    return {port: one_of(inputs, port) for port in inputs if port in own}


def _text(text: str, fills: bool, given: Mapping[str, str]) -> str:
    """A text, filled with those of the values that it names."""
    if not fills:
        return repr(text)
    named = {name: value for name, value in given.items() if "{" + name + "}" in text}
    return f"{text!r}.format({arguments(named)})" if "{" in text or "}" in text else repr(text)


def _has_plain_provider(made: ScriptDraft, node: ResolvedNode) -> bool:
    sources = from_port(made, node, "model")
    return (
        len(sources) == 1
        and sources[0].instance.kind == "model.provider"
        and only(params_of(sources[0]), "model", *SAMPLING)
    )


def _crews_of(made: ScriptDraft, node: ResolvedNode) -> list[ResolvedNode]:
    """The crews that a role or a task ends up in."""
    found: list[ResolvedNode] = []
    seen: set[str] = set()
    stack = [node.instance.id]
    while stack:
        node_id = stack.pop()
        if node_id in seen or node_id not in made.resolved.nodes:
            continue
        seen.add(node_id)
        if made.resolved.nodes[node_id].instance.kind == "agent.crew":
            found.append(made.resolved.nodes[node_id])
            continue
        stack += [e.target_node for es in made.resolved.outgoing[node_id].values() for e in es]
    return found


def _in_plain_crew(made: ScriptDraft, node: ResolvedNode) -> bool:
    crews = _crews_of(made, node)
    return bool(crews) and all(_crew_is_plain(made, crew) for crew in crews)


def role(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """An agent of a crew."""
    if not _in_plain_crew(made, node):
        return None
    assert node.params is not None  # noqa: S101 - resolved before
    provider = from_port(made, node, "model")[0]
    named = str(provider.instance.params.get("model", "openai:gpt-5-mini"))
    model, package = crewai_model(named)
    given = _given(made, node, inputs)
    words: dict[str, Any] = {
        name: _text(getattr(node.params, name), node.params.fill, given)
        for name in ("role", "goal", "backstory")
    }
    words |= {
        "max_iter": node.params.iterations,
        "allow_delegation": node.params.delegation,
    }
    options = {n: v for n, v in params_of(provider).items() if n in SAMPLING}
    rest = f", {arguments(options)}" if options else ""
    words["llm"] = f"LLM({model!r}{rest})"
    return Call(
        "Agent(\n    " + ",\n    ".join(f"{k}={v}" for k, v in words.items()) + ",\n)",
        "agent",
        ("from crewai import LLM, Agent, Crew, Task",),
        inlines=("model",),
        packages=(package,),
    )


def task(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """A task of a crew."""
    if not _in_plain_crew(made, node):
        return None
    assert node.params is not None  # noqa: S101 - resolved before
    given = _given(made, node, inputs)
    words = {
        "description": _text(node.params.description, True, given),
        "expected_output": _text(node.params.expected, node.params.fill, given),
        "agent": one_of(inputs, "agent") if inputs else "",
    }
    if "context" in inputs:
        words["context"] = "[" + ", ".join(v for v, _ in inputs["context"]) + "]"
    return Call(
        "Task(\n    " + ",\n    ".join(f"{k}={v}" for k, v in words.items()) + ",\n)", "task"
    )


def crew(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """A crew, started."""
    if not _crew_is_plain(made, node):
        return None
    tasks = from_port(made, node, "tasks")
    agents = [from_port(made, task, "agent")[0] for task in tasks]
    names = ", ".join(dict.fromkeys(made.names[agent.instance.id] for agent in agents))
    listed = ", ".join(made.names[task.instance.id] for task in tasks)
    return Call(f"Crew(agents=[{names}], tasks=[{listed}]).kickoff().raw", "text")


CALLS: dict[str, Maker] = {
    "agent.role": role,
    "agent.task": task,
    "agent.crew": crew,
}
