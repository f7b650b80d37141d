"""One local model through a flow, and the same model called directly."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.table import Row
from bench.timing import Side, interleave
from patchbay.flows import Run
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.runs.defaults import default_catalog
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import NodeStreamed, RunFinished
from patchbay.flows.runs.resources import Pool

EIGHT = 8
CONTEXT = 1024
SAMPLING = {"temperature": 0, "seed": 1, "max_tokens": 64}
SHORT = {**SAMPLING, "max_tokens": 4}

Answers = tuple[list[str], int]
"""What was answered, and in how many tokens."""


def measure(quick: bool = False) -> Iterator[Row]:
    """The first token, one answer, eight at once. Both sides get the same prompts, new ones each
    round."""
    from patchbay.nodes.weights.resolve import resolve

    env = Environment(default_catalog(), Pool())
    # Ours is loaded first: it tells OpenMP how threads wait, which the whole process then shares.
    _through_flow(["Hello"], env)
    backend = _backend(resolve("smollm2-135m-instruct"))
    first = _compare_first(backend, env, 5 if quick else 15)
    yield Row("first token through a flow", first["ours"], "s", 1.05, on="ratio",
              against="llama.cpp directly", other=first["direct"])  # fmt: skip
    one = _compare(backend, env, 1, 3 if quick else 9)
    yield Row("one answer through a flow", one["ours"] * SAMPLING["max_tokens"], "s", 1.05,
              on="ratio", against="llama.cpp directly",
              other=one["direct"] * SAMPLING["max_tokens"])  # fmt: skip
    eight = _compare(backend, env, EIGHT, 2 if quick else 5)
    yield Row("eight answers at once", 1 / eight["ours"], "tokens/s", 0.95, "at least", "ratio",
              "llama.cpp directly", 1 / eight["direct"])  # fmt: skip
    env.pool.close()


def _compare(backend: Any, env: Environment, count: int, repeats: int) -> dict[str, float]:
    """Median seconds per token of both sides."""
    said: dict[str, list[str]] = {}

    def side(name: str, answer: Callable[[list[str]], Answers]) -> Side:
        rounds = itertools.count()

        def once() -> float:
            asked = _prompts(next(rounds), count)
            began = time.perf_counter()
            texts, tokens = answer(asked)
            seconds = time.perf_counter() - began
            said[name] = texts
            return seconds / tokens

        return once

    seconds = interleave(
        {
            "ours": side("ours", lambda prompts: _through_flow(prompts, env)),
            "direct": side("direct", lambda prompts: _directly(prompts, backend)),
        },
        repeats,
    )
    if count == 1 and said["ours"] != said["direct"]:
        raise RuntimeError(f"not the same answer: {said}")
    return seconds


def _compare_first(backend: Any, env: Environment, repeats: int) -> dict[str, float]:
    """Median seconds from asking to the first text, for a prompt of some hundred tokens."""

    def side(first: Callable[[str], float]) -> Side:
        rounds = itertools.count()
        return lambda: first(f"{next(rounds)}. {' '.join(_prompts(7, 20))} What is this about?")

    return interleave(
        {
            "ours": side(lambda prompt: asyncio.run(_first_through_flow(prompt, env))),
            "direct": side(lambda prompt: _first_directly(prompt, backend)),
        },
        repeats,
    )


def _prompts(turn: int, count: int) -> list[str]:
    return [f"Tell me a long story about ship number {turn * count + i}." for i in range(count)]


# --- through a flow -----------------------------------------------------------------------------


def _through_flow(prompts: list[str], env: Environment) -> Answers:
    return asyncio.run(_run(_flow(prompts), env))


async def _run(flow: Flow, env: Environment) -> Answers:
    async for event in Run(flow, {}, env).events():
        last = event
    if not isinstance(last, RunFinished):
        raise RuntimeError(f"the run ended with {last}")
    texts = [last.outputs[name] for name in sorted(last.outputs)]
    return texts, last.tokens.completion


async def _first_through_flow(prompt: str, env: Environment) -> float:
    began, first = time.perf_counter(), 0.0
    async for event in Run(_flow([prompt], SHORT), {}, env).events():
        if isinstance(event, NodeStreamed) and not first:
            first = time.perf_counter() - began
    if not first:
        raise RuntimeError("nothing was streamed")
    return first


def _flow(prompts: list[str], sampling: Mapping[str, Any] = SAMPLING) -> Flow:
    settings = {"context": CONTEXT, "parallel": EIGHT, "top_p": None}
    nodes = [NodeInstance(id="model", kind="model.gguf", params=settings)]
    edges = []
    for i, prompt in enumerate(prompts):
        nodes += [
            NodeInstance(id=f"prompt{i}", kind="prompt.template", params={"template": prompt}),
            NodeInstance(id=f"ask{i}", kind="model.ask", params=dict(sampling)),
            NodeInstance(id=f"out{i}", kind="io.output", params={"name": f"answer{i}"}),
        ]
        edges += [
            Edge(source=f"prompt{i}.text", target=f"ask{i}.prompt"),
            Edge(source="model.model", target=f"ask{i}.model"),
            Edge(source=f"ask{i}.text", target=f"out{i}.value"),
        ]
    return Flow(name="ask", nodes=tuple(nodes), edges=tuple(edges))


# --- directly -----------------------------------------------------------------------------------


def _backend(weights: Path) -> Any:
    """llama.cpp with the settings that `model.gguf` gives it."""
    import xllamacpp

    from patchbay.nodes.models.llama.memory import batch_size

    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx, params.n_parallel = CONTEXT * EIGHT, EIGHT
    params.kv_unified = params.fit_params = params.warmup = False
    params.n_batch = params.n_ubatch = batch_size(weights.stat().st_size)
    params.cache_ram_mib, params.verbosity = 0, -1
    return xllamacpp.Server(params)


def _first_directly(prompt: str, backend: Any) -> float:
    seen: list[float] = []

    def hear(chunk: dict[str, Any]) -> bool:
        if any(choice.get("delta", {}).get("content") for choice in chunk.get("choices", ())):
            seen.append(time.perf_counter())
        return False

    messages = [{"role": "user", "content": prompt}]
    began = time.perf_counter()
    backend.handle_chat_completions({"messages": messages, "stream": True, **SHORT}, hear)
    return seen[0] - began


def _directly(prompts: list[str], backend: Any) -> Answers:
    def answer(prompt: str) -> tuple[str, int]:
        request = {"messages": [{"role": "user", "content": prompt}], **SAMPLING}
        done = backend.handle_chat_completions(request)
        return done["choices"][0]["message"]["content"], done["usage"]["completion_tokens"]

    with ThreadPoolExecutor(len(prompts)) as threads:
        answers = list(threads.map(answer, prompts))
    return [text for text, _ in answers], sum(tokens for _, tokens in answers)
