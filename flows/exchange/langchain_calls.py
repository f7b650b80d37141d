"""Nodes that are a plain call of LangChain: prompts, models behind servers, questions, agents."""

from __future__ import annotations

import pprint
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
    secret,
    system_of,
)
from patchbay.flows.exchange.packages import langchain_package

if TYPE_CHECKING:
    from patchbay.flows.exchange.script_draft import ScriptDraft


# --- prompts and texts ----------------------------------------------------------------------------


def template(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """A template, filled."""
    ports = made.resolved.incoming[node.instance.id]
    if not all(is_text(made, node, port) for port in ports):
        return None
    template = node.instance.params.get("template", "Answer briefly: {question}")
    given = arguments({port: one_of(inputs, port) for port in inputs})
    text = pprint.pformat(template, width=88)
    text = text if "\n" not in text else text.replace("\n", "\n    ")
    return Call(
        f"PromptTemplate.from_template(\n    {text}\n).format({given})",
        "text",
        ("from langchain_core.prompts import PromptTemplate",),
    )


def join(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """Texts put together."""
    if not is_text(made, node, "texts") or not only(params_of(node), "separator"):
        return None
    separator = node.instance.params.get("separator", "\n\n")
    values = inputs.get("texts", [])
    words = ", ".join(value for value, _ in values)
    if any(maybe for _, maybe in values):
        return Call(f"{separator!r}.join(v for v in ({words},) if v is not None)", "text")
    return Call(f"{separator!r}.join([{words}])", "text")


def merge(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """The first way that was taken."""
    words = ", ".join(value for value, _ in inputs.get("values", []))
    return Call(f"next((v for v in ({words},) if v is not None), None)", "value", always=True)


# --- models ---------------------------------------------------------------------------------------


def provider(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """A model of a provider."""
    params = params_of(node)
    if not only(
        params, "model", *SAMPLING, "api_key", "base_url", "timeout", "retries", "parallel"
    ):
        return None
    words: dict[str, Any] = {}
    words |= {name: params[name] for name in SAMPLING if name in params}
    words |= {"base_url": repr(params["base_url"])} if "base_url" in params else {}
    words |= {"timeout": params["timeout"]} if "timeout" in params else {}
    words |= {"max_retries": params["retries"]} if "retries" in params else {}
    imports = ["from langchain.chat_models import init_chat_model"]
    if "api_key" in params:
        words["api_key"] = secret(params["api_key"])
        imports.append("import os")
    model = params.get("model", "openai:gpt-5-mini")
    rest = f", {arguments(words)}" if words else ""
    return Call(
        f"init_chat_model({model!r}{rest})",
        "model",
        tuple(imports),
        describes=True,
        packages=(langchain_package(model),),
    )


def server(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """A model behind OpenAI's protocol."""
    params = params_of(node)
    if not params.get("model") or not only(
        params,
        "model",
        "base_url",
        *SAMPLING,
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
        "api_key": secret(params["api_key"]) if "api_key" in params else '"none"',
    }
    words |= {
        name: params[name] for name in (*SAMPLING, "seed", "top_p", "timeout") if name in params
    }
    imports = ["from langchain_openai import ChatOpenAI"]
    imports += ["import os"] if "api_key" in params else []
    return Call(f"ChatOpenAI({arguments(words)})", "model", tuple(imports), describes=True)


def ollama(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """A model of Ollama."""
    params = params_of(node)
    names = {"max_tokens": "num_predict", "context": "num_ctx"}
    fine = (
        "model",
        "base_url",
        "keep_alive",
        "context",
        *SAMPLING,
        "seed",
        "top_p",
        "parallel",
        "retries",
        "timeout",
    )
    if not only(params, *fine):
        return None
    words: dict[str, Any] = {"model": repr(params.get("model", "smollm2:135m"))}
    for name in ("base_url", "keep_alive"):
        words |= {name: repr(params[name])} if name in params else {}
    for name in (*SAMPLING, "seed", "top_p", "context"):
        words |= {names.get(name, name): params[name]} if name in params else {}
    return Call(
        f"ChatOllama({arguments(words)})",
        "model",
        ("from langchain_ollama import ChatOllama",),
        describes=True,
    )


MODELS = ("model.provider", "model.openai_compatible", "model.ollama")


def has_plain_model(made: ScriptDraft, node: ResolvedNode, port: str = "model") -> bool:
    """Whether what a port gets is one of these, said plainly."""
    sources = from_port(made, node, port)
    if len(sources) != 1 or sources[0].instance.kind not in MODELS:
        return False
    return CALLS[sources[0].instance.kind](made, sources[0], {}, True) is not None


def _messages(made: ScriptDraft, node: ResolvedNode, inputs: Values) -> str | None:
    """The conversation as LangChain takes it: pairs of role and text."""
    if not is_text(made, node, "prompt") or not is_text(made, node, "system"):
        return None
    said = system_of(node, inputs)
    rows = [f'("system", {said})'] if said else []
    return "[" + ", ".join([*rows, f'("human", {one_of(inputs, "prompt")})']) + "]"


def ask(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """A question to a model."""
    params = params_of(node)
    if not has_plain_model(made, node) or not only(params, "system", *SAMPLING, "stop"):
        return None
    messages = (
        _messages(made, node, inputs)
        if not dry
        else ("" if is_text(made, node, "prompt") else None)
    )
    if messages is None:
        return None
    words = {
        name: repr(params[name])
        for name in (*SAMPLING, "stop")
        if params.get(name) not in (None, [])
    }
    bound = f".bind({arguments(words)})" if words else ""
    return Call(f"{one_of(inputs, 'model')}{bound}.invoke({messages}).text", "text")


def react(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """An agent without tools."""
    params = params_of(node)
    if not has_plain_model(made, node) or not only(params, "system", "iterations"):
        return None
    if made.resolved.incoming[node.instance.id].get("tools") or not is_text(made, node, "prompt"):
        return None
    if made.resolved.outgoing[node.instance.id].get("usage"):
        return None
    system = system_of(node, inputs)
    rest = f", system_prompt={system}" if system else ""
    asked = f'{{"messages": [("human", {one_of(inputs, "prompt")})]}}'
    made_agent = f"create_agent({one_of(inputs, 'model')}, tools=[]{rest})"
    return Call(
        f'{made_agent}.invoke({asked})["messages"][-1].text',
        "text",
        ("from langchain.agents import create_agent",),
    )


CALLS: dict[str, Maker] = {
    "prompt.template": template,
    "text.join": join,
    "logic.merge": merge,
    "model.provider": provider,
    "model.openai_compatible": server,
    "model.ollama": ollama,
    "model.ask": ask,
    "agent.react": react,
}
