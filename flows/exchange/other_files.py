"""A flow as a Haystack pipeline, or as CrewAI's two files, where it can be said in them."""

from __future__ import annotations

import re
from typing import Any

from patchbay.flows.checks.resolve import Resolved, ResolvedNode, resolve_once
from patchbay.flows.document.model import Flow
from patchbay.flows.exchange.packages import crewai_model
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.catalog import Catalog

GENERATORS = {
    "openai": "haystack.components.generators.chat.openai.OpenAIChatGenerator",
    "anthropic": "haystack_integrations.components.generators.anthropic.AnthropicChatGenerator",
    "cohere": "haystack_integrations.components.generators.cohere.CohereChatGenerator",
}
OLLAMA = "haystack_integrations.components.generators.ollama.OllamaChatGenerator"
BUILDER = "haystack.components.builders.chat_prompt_builder.ChatPromptBuilder"


def _yaml(data: Any) -> str:
    import yaml  # type: ignore[import-untyped]

    text: str = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=100)
    return text


def _refuse(node: ResolvedNode, what: str, why: str = "") -> Problem:
    name = node.instance.title or node.instance.id
    message = f'"{name}" ({node.instance.kind}) cannot be said in {what}'
    return Problem(
        "export/node",
        f"{message}{': ' + why if why else ''}.",
        "Export to Python, which can say every node.",
        node=node.instance.id,
    )


# --- Haystack -------------------------------------------------------------------------------------


def to_haystack(flow: Flow, catalog: Catalog) -> str:
    """A pipeline in Haystack's YAML: prompts and questions to models.

    Raises:
        FlowError: nodes that Haystack has no component for; all of them.
    """
    resolved = resolve_once(flow, catalog)
    components: dict[str, Any] = {}
    problems: list[Problem] = []
    for node in resolved.nodes.values():
        if node.instance.disabled or node.flow_input is not None or node.flow_output is not None:
            continue
        made = _component(resolved, node)
        if isinstance(made, Problem):
            problems.append(made)
        elif made:
            components[node.instance.id] = made
    if problems:
        raise FlowError(problems)
    connections = []
    for edge in flow.edges:
        target = resolved.nodes[edge.target_node]
        if edge.target_port == "prompt" and target.instance.kind == "model.ask":
            sender = edge.source_node
            if resolved.nodes[sender].flow_input is not None:  # a question goes through a builder
                sender = f"{edge.target_node}_prompt"
                components[sender] = _builder(target, "{question}", {})
            row = {"sender": f"{sender}.prompt", "receiver": f"{edge.target_node}.messages"}
            connections.append(row)
        elif {edge.source_node, edge.target_node} <= set(components):
            receiver = f"{edge.target_node}.{edge.target_port}"
            connections.append({"sender": f"{edge.source_node}.replies", "receiver": receiver})
    return _yaml({"components": components, "connections": connections, "metadata": {}})


def _builder(ask: ResolvedNode | None, template: str, ends: dict[str, str]) -> dict[str, Any]:
    """A builder of the system text and the prompt of a question."""
    system = ask.instance.params.get("system") if ask is not None else ""
    rows = [{"role": "system", "content": [{"text": _literal(system)}]}] if system else []
    rows.append({"role": "user", "content": [{"text": _jinja(template, ends)}]})
    return {"type": BUILDER, "init_parameters": {"template": rows, "required_variables": "*"}}


def _literal(text: Any) -> str:
    return re.sub(r"[{}]", lambda match: "{{ '" + match[0] + "' }}", str(text))


def _prompt(resolved: Resolved, node: ResolvedNode) -> dict[str, Any] | Problem:
    takers = [
        resolved.nodes[e.target_node]
        for es in resolved.outgoing[node.instance.id].values()
        for e in es
        if e.target_node in resolved.nodes
    ]
    if len(takers) != 1 or takers[0].instance.kind != "model.ask":
        return _refuse(node, "a Haystack pipeline", "a prompt goes to one model there")
    ends: dict[str, str] = {}
    for port, edges in resolved.incoming[node.instance.id].items():
        source = resolved.nodes.get(edges[0].source_node)
        ends[port] = "[0].text" if source and source.instance.kind == "model.ask" else ""
    template = str(node.instance.params.get("template", "Answer briefly: {question}"))
    return _builder(takers[0], template, ends)


def _component(resolved: Resolved, node: ResolvedNode) -> dict[str, Any] | Problem | None:
    kind, params = (
        node.instance.kind,
        {k: v for k, v in node.instance.params.items() if v is not None},
    )
    if kind == "prompt.template":
        return _prompt(resolved, node)
    if kind in ("model.provider", "model.ollama"):
        return None  # it belongs to the generator that asks it
    if kind != "model.ask":
        return _refuse(node, "a Haystack pipeline")
    edges = resolved.incoming[node.instance.id]
    wires = edges.get("model", [])
    model = resolved.nodes.get(wires[0].source_node) if wires else None
    if model is None or model.instance.kind not in ("model.provider", "model.ollama"):
        return _refuse(node, "a Haystack pipeline", "Haystack has no generator for its model")
    if "system" in edges or set(params) - {"system", "temperature", "max_tokens"}:
        return _refuse(node, "a Haystack pipeline", "its generators take no such setting")
    return _generator(model, params, node)


def _generator(
    model: ResolvedNode, params: dict[str, Any], node: ResolvedNode
) -> dict[str, Any] | Problem:
    said = {k: v for k, v in model.instance.params.items() if v is not None}
    words = {n: params.get(n, said.get(n)) for n in ("temperature", "max_tokens")}
    options = {n: v for n, v in words.items() if v is not None}
    init: dict[str, Any] = {"generation_kwargs": options} if options else {}
    if model.instance.kind == "model.ollama":
        return {
            "type": OLLAMA,
            "init_parameters": {"model": said.get("model", "smollm2:135m"), **init},
        }
    provider, _, name = str(said.get("model", "openai:gpt-5-mini")).partition(":")
    if provider not in GENERATORS:
        return _refuse(node, "a Haystack pipeline", f"no generator for {provider}")
    secret = said.get("api_key")
    if isinstance(secret, dict):
        init["api_key"] = {"type": "env_var", "env_vars": [secret["secret"]], "strict": True}
    return {"type": GENERATORS[provider], "init_parameters": {"model": name, **init}}


def _jinja(template: str, ends: dict[str, str]) -> str:
    """`{name}` as `{{ name }}`, `{{` as a literal brace; an answer is the first of the replies."""
    parts = re.split(r"(\{\{|\}\}|\{\w+\})", template)

    def said(part: str) -> str:
        if part in ("{{", "}}"):
            return "{{ '" + part[0] + "' }}"
        if not re.fullmatch(r"\{\w+\}", part):
            return part
        name = part[1:-1]
        return "{{ " + name + ends.get(name, "") + " }}"

    return "".join(said(part) for part in parts)


# --- CrewAI ---------------------------------------------------------------------------------------


LIMITS = {"allow_delegation": "delegation", "max_iter": "iterations"}
"""What agents.yaml calls settings of a role."""
SAID = frozenset({"model", "parallel", "retries", "timeout"})
"""Settings of a model that its name alone says, or that only we have."""


def to_crewai(flow: Flow, catalog: Catalog) -> dict[str, str]:
    """`agents.yaml` and `tasks.yaml` of the flow's crew.

    Raises:
        FlowError: nodes that have no place in them, or no crew; all of them.
    """
    resolved = resolve_once(flow, catalog)
    allowed = ("agent.role", "agent.task", "agent.crew", "model.provider", "io.input", "io.output")
    problems = [
        _refuse(node, "CrewAI's files")
        for node in resolved.nodes.values()
        if not node.instance.disabled and node.instance.kind not in allowed
    ]
    problems += [
        _refuse(node, "CrewAI's files", f"they say nothing of {', '.join(sorted(more))}")
        for node in _of(resolved, "model.provider")
        if (more := {k for k, v in node.instance.params.items() if v is not None} - SAID)
    ]
    if not any(n.instance.kind == "agent.crew" for n in resolved.nodes.values()):
        problems.append(Problem("export/node", "The flow has no crew.", "Export it to Python."))
    if problems:
        raise FlowError(problems)
    names = {n.instance.id: n.instance.id.replace("-", "_") for n in resolved.nodes.values()}
    agents = {names[n.instance.id]: _agent(resolved, n) for n in _of(resolved, "agent.role")}
    tasks = {names[n.instance.id]: _task(resolved, n, names) for n in _of(resolved, "agent.task")}
    return {"agents.yaml": _yaml(agents), "tasks.yaml": _yaml(tasks)}


def _of(resolved: Resolved, kind: str) -> list[ResolvedNode]:
    return [
        n for n in resolved.nodes.values() if n.instance.kind == kind and not n.instance.disabled
    ]


def _agent(resolved: Resolved, node: ResolvedNode) -> dict[str, Any]:
    params: Any = node.params
    made = {
        name: _inputs_named(resolved, node, getattr(params, name))
        if params.fill
        else getattr(params, name)
        for name in ("role", "goal", "backstory")
    }
    wires = resolved.incoming[node.instance.id].get("model", [])
    model = resolved.nodes.get(wires[0].source_node) if wires else None
    if model is not None and model.instance.kind == "model.provider":
        named = str(model.instance.params.get("model", "openai:gpt-5-mini"))
        made["llm"] = crewai_model(named)[0]
    for there, here in LIMITS.items():
        if here in node.instance.params:
            made[there] = getattr(params, here)
    return made


def _task(resolved: Resolved, node: ResolvedNode, names: dict[str, str]) -> dict[str, Any]:
    params: Any = node.params
    wires = resolved.incoming[node.instance.id]

    def named(port: str) -> list[str]:
        return [names[e.source_node] for e in wires.get(port, [])]

    made: dict[str, Any] = {
        "description": _inputs_named(resolved, node, params.description),
        "expected_output": _inputs_named(resolved, node, params.expected)
        if params.fill
        else params.expected,
    }
    if agent := named("agent"):
        made["agent"] = agent[0]
    if context := named("context"):
        made["context"] = context
    if params.human_input:
        made["human_input"] = True
    return made


def _inputs_named(resolved: Resolved, node: ResolvedNode, text: str) -> str:
    """A text with its variables called as the flow's inputs are."""
    named: dict[str, str] = {}
    for port, edges in resolved.incoming[node.instance.id].items():
        source = resolved.nodes.get(edges[0].source_node)
        if (
            port not in ("agent", "context", "model", "tools")
            and source is not None
            and source.flow_input is not None
        ):
            named[port] = source.flow_input.name
    # All at once: an input may be called as another variable is.
    return re.sub(r"\{([^{}]*)\}", lambda v: f"{{{named.get(v[1], v[1])}}}", text)
