"""A flow of three small nodes over many rows: time and memory of a row, and going on."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.table import Row
from bench.timing import interleave, run_process
from patchbay.flows.batch.api import batch
from patchbay.flows.batch.rows import open_rows
from patchbay.flows.batch.spool import MANIFEST, STATE, BatchDone, Spool
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.runs.defaults import default_catalog
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.prepared import PreparedFlow
from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.running import LoadedFlow

ROW_US = 45
"""Microseconds of processor time from row read to row handed to the writer."""
TIMES_LESS = 5
FLAT = 1.2

SAY = Flow(
    name="Say",
    nodes=(
        NodeInstance(id="ask", kind="io.input", params={"name": "review"}),
        NodeInstance(id="say", kind="prompt.template", params={"template": "Say {x}"}),
        NodeInstance(id="out", kind="io.output", params={"name": "label"}),
    ),
    edges=(Edge(source="ask.value", target="say.x"), Edge(source="say.text", target="out.value")),
)


def measure(quick: bool = False) -> Iterator[Row]:
    """Rows of small nodes: in process, as a whole, beside LangChain's batch, and resumed."""
    yield from _rows(2_000 if quick else 10_000)
    with tempfile.TemporaryDirectory() as folder:
        yield from _whole(Path(folder), 20_000 if quick else 1_000_000)
        yield _resumed(Path(folder), 20_000 if quick else 1_000_000)


def _rows(count: int) -> Iterator[Row]:
    given = [{"review": f"a review, number {n}"} for n in range(count)]
    flow = PreparedFlow(SAY, Environment(default_catalog(), Pool()))

    def ours() -> float:
        async def all_rows() -> None:
            for one in given:
                await flow.run(one)

        return _processor(lambda: asyncio.run(all_rows()))

    sides = {"ours": ours}
    try:
        from langchain_core.runnables import RunnableLambda
    except ImportError:
        RunnableLambda = None  # type: ignore[assignment,misc]  # noqa: N806
    if RunnableLambda is not None:
        chain = (
            RunnableLambda(lambda row: row["review"])
            | RunnableLambda(lambda text: f"Say {text}")
            | RunnableLambda(lambda text: {"label": text})
        )
        sides["langchain"] = lambda: _processor(lambda: chain.batch(given))
    if (graph := _langgraph()) is not None:
        sides["langgraph"] = lambda: _processor(lambda: asyncio.run(graph.abatch(given)))
    each = {name: s / count * 1e6 for name, s in interleave(sides, 3).items()}
    yield Row("a row of three small nodes, processor", each["ours"], "µs", ROW_US)
    if "langchain" in each:
        yield Row("  against LangChain's batch", each["ours"], "µs", 1 / TIMES_LESS, on="ratio",
                  against="LangChain", other=each["langchain"])  # fmt: skip
    if "langgraph" in each:
        yield Row("  against LangGraph's abatch", each["ours"], "µs", 1 / TIMES_LESS, on="ratio",
                  against="LangGraph", other=each["langgraph"])  # fmt: skip


def _langgraph() -> Any:
    """The same three steps as a graph of LangGraph's, the version that is installed here; None
    where it is not."""
    try:
        from langgraph.graph import END, START, StateGraph
    except ImportError:
        return None
    graph = StateGraph(dict)
    graph.add_node("ask", lambda row: {"text": row["review"]})
    graph.add_node("say", lambda row: {"text": f"Say {row['text']}"})
    graph.add_node("out", lambda row: {"label": row["text"]})
    for one, next_one in ((START, "ask"), ("ask", "say"), ("say", "out"), ("out", END)):
        graph.add_edge(one, next_one)
    return graph.compile()


def _processor(work: Any) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _write(folder: Path, count: int) -> Path:
    path = folder / f"rows-{count}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for n in range(count):
            file.write(json.dumps({"id": n, "review": f"a review, number {n}"}) + "\n")
    return path


PROGRAM = "import sys; from bench.batch import go; go(*sys.argv[1:])"  # the peak is a process's own


def go(rows: str, output: str) -> None:
    """One batch, in a process of its own."""
    batch(LoadedFlow(SAY), rows, output, keep=("id",), env=Environment(default_catalog(), Pool()))


def _whole(folder: Path, many: int) -> Iterator[Row]:
    used = {}
    few = 10_000
    for count in (few, many):
        out = folder / f"out-{count}.jsonl"
        command = [sys.executable, "-c", PROGRAM, str(_write(folder, count)), str(out)]
        used[count] = run_process(command, Path.cwd())
    each = (used[many].processor - used[few].processor) / (many - few) * 1e6
    yield Row(f"  read, run, written, of {many:,} rows", each, "µs")
    yield Row(f"  memory of {many:,} rows", used[many].peak / 1e6, "MB", FLAT, on="ratio",
              against=f"of {few:,}", other=used[few].peak / 1e6)  # fmt: skip


def _resumed(folder: Path, count: int) -> Row:
    """Nine tenths are done: the time to the first new row, and of reading the output once."""
    done = count * 9 // 10
    rows, out = folder / f"rows-{count}.jsonl", folder / "resumed.jsonl"
    spool = Spool(str(out))
    spool.begin({})
    for n in range(done):
        spool.put(n, b'{"id": %d, "label": "Say a review, number %d"}\n' % (n, n))
    spool.commit()
    spool.close()

    def ours() -> float:
        began = time.perf_counter()
        again = Spool(str(out))
        again.go_on()
        source = open_rows(str(rows))
        source.below = again.done.below
        next(n for n, _ in source.each if not again.has(n))
        source.close()
        again.close()
        return time.perf_counter() - began

    def read() -> float:
        began = time.perf_counter()
        for line in spool.lines():
            line.get("id")
        return time.perf_counter() - began

    assert (spool.folder / MANIFEST).exists()
    assert BatchDone(**json.loads((spool.folder / STATE).read_text())).below == done
    seconds = interleave({"ours": ours, "read": read}, 2, warm=0)
    return Row(f"resume, {done:,} of {count:,} rows done", seconds["ours"], "s", 1.0, on="ratio",
               against="reading the output", other=seconds["read"])  # fmt: skip
