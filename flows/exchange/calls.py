"""Which nodes are a plain call of a library, and which call it is."""

from __future__ import annotations

import pprint
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patchbay.flows.checks.resolve import ResolvedNode

if TYPE_CHECKING:
    from patchbay.flows.exchange.python_script import ScriptDraft

Values = Mapping[str, list[tuple[str, bool]]]


@dataclass(frozen=True, slots=True)
class Call:
    """A node as a call of a library."""

    expression: str
    output: str
    imports: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    """Lines before it."""
    describes: bool = False
    """Whether it makes an object that other nodes cannot take: a model, an agent."""
    always: bool = False
    """Whether it also runs where nothing arrives."""

    def lines(self, name: str) -> list[str]:
        """The lines that give it to a name."""
        return [*self.before, *f"{name} = {self.expression}".split("\n")]


def is_native(made: ScriptDraft, node: ResolvedNode) -> bool:
    """Whether a node is a plain call, whatever its inputs are called."""
    if node.flow_output is not None:
        return True
    return native_call(made, node, {}, dry=True) is not None


def native_call(
    made: ScriptDraft, node: ResolvedNode, inputs: Values, *, dry: bool = False
) -> Call | None:
    """The call that says the same as a node, or None where no library has one."""
    make = _CALLS.get(node.instance.kind)
    return make(made, node, inputs, dry) if make is not None else None


def _params(node: ResolvedNode) -> dict[str, Any]:
    return {k: v for k, v in node.instance.params.items() if v is not None}


def _only(params: Mapping[str, Any], *names: str) -> bool:
    return all(name in names or value in (None, "", [], {}) for name, value in params.items())


def _is_text(made: ScriptDraft, node: ResolvedNode, port: str) -> bool:
    """Whether nothing but text comes into a port."""
    for edge in made.resolved.incoming[node.instance.id].get(port, ()):
        source = made.resolved.nodes.get(edge.source_node)
        output = source.output(edge.source_port) if source is not None else None
        if output is None or output.type.ids != ("text",):
            return False
    return True


def _from(made: ScriptDraft, node: ResolvedNode, port: str) -> list[ResolvedNode]:
    edges = made.resolved.incoming[node.instance.id].get(port, ())
    return [
        made.resolved.nodes[e.source_node] for e in edges if e.source_node in made.resolved.nodes
    ]


def _one(inputs: Values, port: str) -> str:
    values = inputs.get(port, [])
    if len(values) == 1:
        return values[0][0]
    return f"next((v for v in ({', '.join(v for v, _ in values)}) if v is not None), None)"


def _arguments(words: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in words.items())


# --- prompts and texts ----------------------------------------------------------------------------


def _template(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    ports = made.resolved.incoming[node.instance.id]
    if not all(_is_text(made, node, port) for port in ports):
        return None
    template = node.instance.params.get("template", "Answer briefly: {question}")
    given = _arguments({port: _one(inputs, port) for port in inputs})
    text = pprint.pformat(template, width=88)
    text = text if "\n" not in text else text.replace("\n", "\n    ")
    return Call(
        f"PromptTemplate.from_template(\n    {text}\n).format({given})",
        "text",
        ("from langchain_core.prompts import PromptTemplate",),
    )


def _join(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    if not _is_text(made, node, "texts") or not _only(_params(node), "separator"):
        return None
    separator = node.instance.params.get("separator", "\n\n")
    values = inputs.get("texts", [])
    words = ", ".join(value for value, _ in values)
    if any(maybe for _, maybe in values):
        return Call(f"{separator!r}.join(v for v in ({words},) if v is not None)", "text")
    return Call(f"{separator!r}.join([{words}])", "text")


def _merge(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    words = ", ".join(value for value, _ in inputs.get("values", []))
    return Call(f"next((v for v in ({words},) if v is not None), None)", "value", always=True)


# --- models ---------------------------------------------------------------------------------------

_SAMPLING = ("temperature", "max_tokens")


def _secret(value: Any) -> str:
    return f'os.environ["{value["secret"]}"]'


def _provider(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    params = _params(node)
    if not _only(
        params, "model", *_SAMPLING, "api_key", "base_url", "timeout", "retries", "parallel"
    ):
        return None
    words: dict[str, Any] = {}
    words |= {name: params[name] for name in _SAMPLING if name in params}
    words |= {"base_url": repr(params["base_url"])} if "base_url" in params else {}
    words |= {"timeout": params["timeout"]} if "timeout" in params else {}
    words |= {"max_retries": params["retries"]} if "retries" in params else {}
    imports = ["from langchain.chat_models import init_chat_model"]
    if "api_key" in params:
        words["api_key"] = _secret(params["api_key"])
        imports.append("import os")
    model = params.get("model", "openai:gpt-5-mini")
    rest = f", {_arguments(words)}" if words else ""
    return Call(f"init_chat_model({model!r}{rest})", "model", tuple(imports), describes=True)


def _server(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    params = _params(node)
    if not params.get("model") or not _only(
        params,
        "model",
        "base_url",
        *_SAMPLING,
        "seed",
        "top_p",
        "api_key",
        "timeout",
        "retries",
        "parallel",
    ):
        return None
    words: dict[str, Any] = {
        "model": repr(params["model"]),
        "base_url": repr(params.get("base_url", "http://127.0.0.1:8080/v1")),
        "api_key": _secret(params["api_key"]) if "api_key" in params else '"none"',
    }
    words |= {
        name: params[name] for name in (*_SAMPLING, "seed", "top_p", "timeout") if name in params
    }
    imports = ["from langchain_openai import ChatOpenAI"]
    imports += ["import os"] if "api_key" in params else []
    return Call(f"ChatOpenAI({_arguments(words)})", "model", tuple(imports), describes=True)


def _ollama(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    params = _params(node)
    names = {"max_tokens": "num_predict", "context": "num_ctx"}
    fine = (
        "model",
        "base_url",
        "keep_alive",
        "context",
        *_SAMPLING,
        "seed",
        "top_p",
        "parallel",
        "retries",
        "timeout",
    )
    if not _only(params, *fine):
        return None
    words: dict[str, Any] = {"model": repr(params.get("model", "smollm2:135m"))}
    for name in ("base_url", "keep_alive"):
        words |= {name: repr(params[name])} if name in params else {}
    for name in (*_SAMPLING, "seed", "top_p", "context"):
        words |= {names.get(name, name): params[name]} if name in params else {}
    return Call(
        f"ChatOllama({_arguments(words)})",
        "model",
        ("from langchain_ollama import ChatOllama",),
        describes=True,
    )


_MODELS = ("model.provider", "model.openai_compatible", "model.ollama")


def _has_plain_model(made: ScriptDraft, node: ResolvedNode, port: str = "model") -> bool:
    sources = _from(made, node, port)
    return len(sources) == 1 and sources[0].instance.kind in _MODELS and is_native(made, sources[0])


def _messages(made: ScriptDraft, node: ResolvedNode, inputs: Values) -> str | None:
    """The conversation as LangChain takes it: pairs of role and text."""
    if not _is_text(made, node, "prompt") or not _is_text(made, node, "system"):
        return None
    system = node.instance.params.get("system", "")
    said = _one(inputs, "system") if "system" in inputs else repr(system) if system else ""
    rows = [f'("system", {said})'] if said else []
    return "[" + ", ".join([*rows, f'("human", {_one(inputs, "prompt")})']) + "]"


def _ask(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    params = _params(node)
    if not _has_plain_model(made, node) or not _only(params, "system", *_SAMPLING, "stop"):
        return None
    messages = (
        _messages(made, node, inputs)
        if not dry
        else ("" if _is_text(made, node, "prompt") else None)
    )
    if messages is None:
        return None
    words = {
        name: repr(params[name])
        for name in (*_SAMPLING, "stop")
        if params.get(name) not in (None, [])
    }
    bound = f".bind({_arguments(words)})" if words else ""
    return Call(f"{_one(inputs, 'model')}{bound}.invoke({messages}).text", "text")


def _react(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    params = _params(node)
    if not _has_plain_model(made, node) or not _only(params, "system", "iterations"):
        return None
    if made.resolved.incoming[node.instance.id].get("tools") or not _is_text(made, node, "prompt"):
        return None
    if made.resolved.outgoing[node.instance.id].get("usage"):
        return None
    words = {"system_prompt": _one(inputs, "system")} if "system" in inputs else {}
    if not words and params.get("system"):
        words = {"system_prompt": repr(params["system"])}
    rest = f", {_arguments(words)}" if words else ""
    asked = f'{{"messages": [("human", {_one(inputs, "prompt")})]}}'
    made_agent = f"create_agent({_one(inputs, 'model')}, tools=[]{rest})"
    return Call(
        f'{made_agent}.invoke({asked})["messages"][-1].text',
        "text",
        ("from langchain.agents import create_agent",),
    )


# --- crews ----------------------------------------------------------------------------------------


def _crew_is_plain(made: ScriptDraft, crew: ResolvedNode) -> bool:
    """Whether all of a crew is what CrewAI says by itself."""
    if (
        not _only(_params(crew), "process")
        or crew.instance.params.get("process", "sequential") != "sequential"
    ):
        return False
    outgoing = made.resolved.outgoing[crew.instance.id]
    if set(outgoing) - {"text"} or made.resolved.incoming[crew.instance.id].get("agents"):
        return False
    tasks = _from(made, crew, "tasks")
    return bool(tasks) and all(_task_is_plain(made, task) for task in tasks)


def _task_is_plain(made: ScriptDraft, task: ResolvedNode) -> bool:
    agents = _from(made, task, "agent")
    ports = [p for p in made.resolved.incoming[task.instance.id] if p not in ("agent", "context")]
    return (
        task.instance.kind == "agent.task"
        and _only(_params(task), "description", "expected")
        and len(agents) == 1
        and agents[0].instance.kind == "agent.role"
        and _only(_params(agents[0]), "role", "goal", "backstory", "delegation", "iterations")
        and not made.resolved.incoming[agents[0].instance.id].get("tools")
        and _has_plain_provider(made, agents[0])
        and all(_is_text(made, task, port) for port in ports)
    )


def _has_plain_provider(made: ScriptDraft, node: ResolvedNode) -> bool:
    sources = _from(made, node, "model")
    return (
        len(sources) == 1
        and sources[0].instance.kind == "model.provider"
        and _only(_params(sources[0]), "model", *_SAMPLING)
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


def _role(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    if not _in_plain_crew(made, node):
        return None
    assert node.params is not None  # noqa: S101 - resolved before
    provider = _from(made, node, "model")[0]
    model = str(provider.instance.params.get("model", "openai:gpt-5-mini")).replace(":", "/", 1)
    words: dict[str, Any] = {
        "role": repr(node.params.role),
        "goal": repr(node.params.goal),
        "backstory": repr(node.params.backstory),
        "max_iter": node.params.iterations,
        "allow_delegation": node.params.delegation,
    }
    options = {n: v for n, v in _params(provider).items() if n in _SAMPLING}
    rest = f", {_arguments(options)}" if options else ""
    words["llm"] = f"LLM({model!r}{rest})"
    return Call(
        "Agent(\n    " + ",\n    ".join(f"{k}={v}" for k, v in words.items()) + ",\n)",
        "agent",
        ("from crewai import LLM, Agent, Crew, Task",),
    )


def _task(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    if not _in_plain_crew(made, node):
        return None
    assert node.params is not None  # noqa: S101 - resolved before
    given = {p: _one(inputs, p) for p in inputs if p not in ("agent", "context")}
    text = repr(node.params.description)
    if given or "{{" in text or "}}" in text:
        text += f".format({_arguments(given)})"
    words = {
        "description": text,
        "expected_output": repr(node.params.expected),
        "agent": _one(inputs, "agent") if inputs else "",
    }
    if "context" in inputs:
        words["context"] = "[" + ", ".join(v for v, _ in inputs["context"]) + "]"
    return Call(
        "Task(\n    " + ",\n    ".join(f"{k}={v}" for k, v in words.items()) + ",\n)", "task"
    )


def _crew(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    if not _crew_is_plain(made, node):
        return None
    tasks = [task.instance.id for task in _from(made, node, "tasks")]
    agents = [_from(made, task, "agent")[0].instance.id for task in _from(made, node, "tasks")]
    names = ", ".join(dict.fromkeys(made.names[a] for a in agents))
    listed = ", ".join(made.names[t] for t in tasks)
    return Call(f"Crew(agents=[{names}], tasks=[{listed}]).kickoff().raw", "text")


_Maker = Callable[["ScriptDraft", ResolvedNode, Values, bool], "Call | None"]
_CALLS: Mapping[str, _Maker] = {
    "prompt.template": _template,
    "text.join": _join,
    "logic.merge": _merge,
    "model.provider": _provider,
    "model.openai_compatible": _server,
    "model.ollama": _ollama,
    "model.ask": _ask,
    "agent.react": _react,
    "agent.role": _role,
    "agent.task": _task,
    "agent.crew": _crew,
}
"""Kind → what makes its call. The only place outside the catalog that names kinds: exporting is
saying in another library's words what a kind means."""
