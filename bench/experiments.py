"""An experiment of 12 variants over 100 cases on the local model, and llama.cpp asked the same."""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.home import home_at
from bench.models import CONTEXT, EIGHT, _backend
from bench.table import Row
from bench.timing import interleave
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.experiments.grid import as_summary, grid_of
from patchbay.flows.experiments.keeping import ExperimentCell, KeptCells
from patchbay.flows.experiments.plan import (
    SUMMARY,
    ExperimentPlan,
    PlannedAxis,
    experiment_of,
    read_plan,
    write_plan,
)
from patchbay.flows.runs.defaults import default_catalog
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.resources import Pool

TEMPLATES = ("{text}", "Answer in a few words: {text}", "You are a sailor. {text}", "{text} Why?")
TEMPERATURES = (0.0, 0.4, 0.8)
TOKENS = 16
CELLS = 100_000

ASKED = Flow(
    name="Asked",
    nodes=(
        NodeInstance(id="in", kind="io.input", params={"name": "text"}),
        NodeInstance(id="say", kind="prompt.template", params={"template": "{text}"}),
        NodeInstance(id="model", kind="model.gguf",
                     params={"context": CONTEXT, "parallel": EIGHT, "top_p": None}),
        NodeInstance(id="ask", kind="model.ask",
                     params={"temperature": 0, "seed": 1, "max_tokens": TOKENS}),
        NodeInstance(id="out", kind="io.output", params={"name": "answer"}),
    ),
    edges=(
        Edge(source="in.value", target="say.text"), Edge(source="say.text", target="ask.prompt"),
        Edge(source="model.model", target="ask.model"), Edge(source="ask.text", target="out.value"),
    ),
)  # fmt: skip


def measure(quick: bool = False) -> Iterator[Row]:
    """Answers a second through an experiment, and the opening of one with 100,000 cells."""
    with tempfile.TemporaryDirectory() as name, home_at(name) as folder:
        yield _throughput(folder, 8 if quick else 100, 1 if quick else 3)
        yield from _opening()


def _throughput(folder: Path, count: int, repeats: int) -> Row:
    """Both sides ask each question in each variant; each round has questions of its own."""
    from patchbay.nodes.weights.resolve import resolve

    env = Environment(default_catalog(), Pool())
    _experiment(folder, 0, 1, env)  # loaded first: see bench/models.py
    backend = _backend(resolve("smollm2-135m-instruct"))
    turns = {"ours": itertools.count(1), "direct": itertools.count(1)}
    seconds = interleave(
        {
            "ours": lambda: _experiment(folder, next(turns["ours"]), count, env),
            "direct": lambda: _directly(next(turns["direct"]), count, backend),
        },
        repeats,
        warm=0,
    )
    env.pool.close()
    name = f"{len(TEMPLATES) * len(TEMPERATURES)} variants over {count} cases"
    cells = len(TEMPLATES) * len(TEMPERATURES) * count
    return Row(name, cells / seconds["ours"], "answers/s", 0.95, "at least", "ratio",
               "llama.cpp at its slots", cells / seconds["direct"])  # fmt: skip


def _questions(turn: int, count: int) -> list[str]:
    return [f"What is ship number {turn * count + n} made of?" for n in range(count)]


def _experiment(folder: Path, turn: int, count: int, env: Environment) -> float:
    cases = folder / f"cases-{turn}.jsonl"
    cases.write_text("".join(
        json.dumps({"text": asked, "expected": "wood"}) + "\n" for asked in _questions(turn, count)
    ))  # fmt: skip
    plan = ExperimentPlan(
        cases=str(cases), checks=["contains"], jobs=2 * EIGHT,
        axes=[PlannedAxis(node="say", param="template", values=list(TEMPLATES)),
              PlannedAxis(node="ask", param="temperature", values=list(TEMPERATURES))],
    )  # fmt: skip
    made = experiment_of(plan, ASKED, folder, env.catalog, KeptCells(f"bench-{turn}"))
    began = time.perf_counter()
    asyncio.run(made.run(env, lambda cell, done, total: None))
    grid_of(made)
    seconds = time.perf_counter() - began
    if any(cell.error for cell in made.cells.values()):
        raise RuntimeError(next(cell.error for cell in made.cells.values() if cell.error))
    return seconds


def _directly(turn: int, count: int, backend: Any) -> float:
    """The same requests in the same order, as many at a time as it has slots."""

    def answer(asked: tuple[str, str, float]) -> None:
        text, template, temperature = asked
        backend.handle_chat_completions({
            "messages": [{"role": "user", "content": template.format(text=text)}],
            "temperature": temperature, "seed": 1, "max_tokens": TOKENS,
        })  # fmt: skip

    asked = list(itertools.product(_questions(turn, count), TEMPLATES, TEMPERATURES))
    began = time.perf_counter()
    with ThreadPoolExecutor(EIGHT) as threads:
        list(threads.map(answer, asked))
    return time.perf_counter() - began


def _opening() -> Iterator[Row]:
    """What the studio reads when it opens an experiment: plan, summary, and a page of cases."""
    kept = KeptCells("bench-opening")
    kept.add(*(
        ExperimentCell(f"v{n % 10}", f"c{n // 10}", "An answer of some words.")
        for n in range(CELLS)
    ))  # fmt: skip
    kept.put_cases((n + 1, f"c{n}", {"text": f"case {n}"}, "x") for n in range(CELLS // 10))
    write_plan(kept, ExperimentPlan(cases="none"))
    kept.write(SUMMARY, as_summary_of_none())

    def opened() -> float:
        began = time.perf_counter()
        again = KeptCells("bench-opening")
        read_plan(again)
        again.read(SUMMARY)
        again.page(["v0", "v1"], CELLS // 20, 20)
        return time.perf_counter() - began

    def whole() -> float:
        began = time.perf_counter()
        KeptCells("bench-opening").cells()
        return time.perf_counter() - began

    seconds = interleave({"opened": opened, "whole": whole}, 3)
    yield Row("an experiment of 100,000 cells is opened", seconds["opened"], "s",
              against="reading them all", other=seconds["whole"])  # fmt: skip


def as_summary_of_none() -> dict[str, Any]:
    """The summary of an experiment that has ten variants and no cases; its size is what counts."""
    with tempfile.TemporaryDirectory() as folder:
        cases = Path(folder) / "cases.jsonl"
        cases.write_text('{"text": "a"}\n')
        axes = [
            PlannedAxis(node="say", param="template", values=[f"{n} {{text}}" for n in range(10)])
        ]
        plan = ExperimentPlan(cases=str(cases), axes=axes, checks=["contains"])
        made = experiment_of(plan, ASKED, None, default_catalog(), KeptCells("bench-none"))
        return as_summary(made, grid_of(made))
