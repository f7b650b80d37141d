"""How long flows of other builders take to come in, against checking what comes of them; and how
long an exported script takes, against the flow."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from typing import Any

from bench.table import Row
from bench.timing import Side, interleave, timed
from patchbay.flows.checks.validate import validate
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.exchange.imports.reading import import_bytes
from patchbay.flows.exchange.python_script import to_python
from patchbay.flows.runs.api import run
from patchbay.flows.runs.defaults import default_environment
from patchbay.nodes.catalog import Catalog, load_catalog

SIZES = (20, 5_000)
MOST = 1.2
"""Reading, mapping and checking, over checking the result alone."""
SCRIPT = 1.05


def measure(quick: bool = False) -> Iterator[Row]:
    """One row per size of an export, and one for a script."""
    catalog = load_catalog()
    for size in SIZES:
        data = json.dumps(chatflow(size)).encode()
        (one,) = import_bytes(data, "bench.json", catalog)
        repeats = 3 if quick or size > 1000 else 21
        seconds = interleave(
            {"import": _import(data, catalog), "validate": _validate(one.flow, catalog)}, repeats
        )
        yield Row(
            measure=f"import and validate a Flowise export of {size:,} nodes",
            value=seconds["import"] * 1e3,
            unit="ms",
            limit=MOST,
            on="ratio",
            against="validating the result",
            other=seconds["validate"] * 1e3,
        )
    yield _script(catalog, quick)


def chatflow(size: int) -> dict[str, Any]:
    """Chains of a model, a prompt and a question, each hearing the one before."""
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, str]] = []

    def add(name: str, kind: str, inputs: dict[str, Any]) -> None:
        place = {"x": 300 * (len(nodes) % 50), "y": 200 * (len(nodes) // 50)}
        data = {"id": name, "name": kind, "label": kind, "inputs": inputs, "inputAnchors": []}
        nodes.append({"id": name, "position": place, "type": "customNode", "data": data})

    def wire(source: str, output: str, target: str, taken: str) -> None:
        handles = {
            "sourceHandle": f"{source}-output-{output}-A",
            "targetHandle": f"{target}-input-{taken}-A",
        }
        edges.append({"source": source, "target": target, **handles})

    for number in range(max(1, size // 3)):
        model, prompt, chain = f"m_{number}", f"p_{number}", f"c_{number}"
        add(model, "chatOpenAI", {"modelName": "gpt-4o-mini", "temperature": "0.9"})
        before = f"{{{{c_{number - 1}.data.instance}}}}" if number else "{{question}}"
        values = json.dumps({"text": before})
        add(
            prompt,
            "promptTemplate",
            {"template": f"Step {number}: {{text}}", "promptValues": values},
        )
        add(chain, "llmChain", {"chainName": f"Chain {number}"})
        wire(model, "chatOpenAI", chain, "model")
        wire(prompt, "promptTemplate", chain, "prompt")
    return {"nodes": nodes, "edges": edges}


def _import(data: bytes, catalog: Catalog) -> Side:
    def once() -> None:
        (one,) = import_bytes(data, "bench.json", catalog)
        validate(one.flow, catalog)

    return lambda: timed(once)


def _validate(flow: Flow, catalog: Catalog) -> Side:
    def once() -> float:
        fresh = flow.model_copy()  # nothing computed for the last one helps
        return timed(lambda: validate(fresh, catalog))

    return once


def _script(catalog: Catalog, quick: bool) -> Row:
    """A chain of prompts: the script's main, against the flow without a cache."""
    nodes = [NodeInstance(id="q", kind="io.input", params={"name": "q", "default": "Hi"})]
    edges: list[Edge] = []
    end = "q.value"
    for number in range(50):
        name = f"p{number}"
        nodes.append(NodeInstance(id=name, kind="prompt.template", params={"template": "{x}."}))
        edges.append(Edge.model_validate({"from": end, "to": f"{name}.x"}))
        end = f"{name}.text"
    nodes.append(NodeInstance(id="out", kind="io.output"))
    edges.append(Edge.model_validate({"from": end, "to": "out.value"}))
    flow = Flow(nodes=tuple(nodes), edges=tuple(edges))
    module = types.ModuleType("script")
    exec(compile(to_python(flow, catalog), "script.py", "exec"), module.__dict__)
    env = default_environment(use_cache=False)
    seconds = interleave(
        {
            "script": lambda: timed(module.main),
            "flow": lambda: timed(lambda: run(flow, {}, environment=env)),
        },
        5 if quick else 21,
    )
    return Row(
        measure="an exported script of 50 prompts",
        value=seconds["script"] * 1e3,
        unit="ms",
        limit=SCRIPT,
        on="ratio",
        against="the flow, nothing reused",
        other=seconds["flow"] * 1e3,
    )
