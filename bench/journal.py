"""What it costs that a run is recorded: steps, loops, waking up, and LangGraph's checkpoints."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.engine import langgraph
from bench.home import home_at
from bench.nodes import Collect, Start, Step, chain
from bench.table import Row
from bench.timing import interleave, run_process
from patchbay.flows import LoadedFlow, Run
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.document.writing import save_flow
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import RunFinished
from patchbay.flows.runs.history import History
from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.resume import resumed_run
from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import Context, Field, JsonValue, Node, NodeParams, Ports

GROUPED_US, ALONE_US = 150, 1_000
"""Microseconds of processor time that a step may cost over one that is not recorded."""
LOOP_TIMES = 2
"""A recorded loop may take this many times as long as an unrecorded one."""
WAKE_TIMES = 2
"""Waking a run may take this many times as long as `patchbay runs ID --json`."""
TIMES_LESS = 5
"""LangGraph with its checkpoints takes at least this many times as long a step."""


class Steps(Node):
    """Makes steps, one after the other or all at once."""

    kind, title, family = "bench.steps", "Steps", "Bench"

    class Params(NodeParams):
        count: int = Field(1_000)
        at_once: bool = True

    class Outputs(Ports):
        value: JsonValue

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        async def effect(number: int) -> int:
            return number

        async def lane(number: int) -> int:
            with ctx.lane(str(number)):
                return int(await ctx.once("effect", effect, number))

        if params.at_once:
            found: list[JsonValue] = [*await asyncio.gather(*map(lane, range(params.count)))]
        else:
            found = [await lane(number) for number in range(params.count)]
        return self.Outputs(value=found)


NODES = Catalog([Start, Step, Collect, Steps], table=BUILTIN)


def measure(quick: bool = False) -> Iterator[Row]:
    """The journal's cost, each beside the same without it."""
    repeats = 3 if quick else 7
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        history = History(f"sqlite:///{folder / 'history.sqlite'}")
        yield from _steps(history, repeats)
        yield from _loops(history, folder, 3)
        with home_at(folder / "home") as home:
            yield _wake(home, repeats)
        yield _wake_inside(history, repeats)
        yield _against_langgraph(history, folder, repeats)
        history.close()


def _steps(history: History, repeats: int) -> Iterator[Row]:
    for name, count, at_once, limit in (
        ("in groups", 1_000, True, GROUPED_US),
        ("alone", 200, False, ALONE_US),
    ):
        params = {"count": count, "at_once": at_once}
        nodes = NodeInstance(id="s", kind="bench.steps", params=params), _OUT
        flow = Flow(name="steps", nodes=nodes, edges=(_edge("s.value", "o.value"),))
        sides = {
            "recorded": lambda flow=flow: _run(flow, history).processor,
            "not": lambda flow=flow: _run(flow, None).processor,
        }
        each = {side: s / count * 1e6 for side, s in interleave(sides, repeats).items()}
        yield Row(f"a step {name}, processor time over unrecorded",
                  each["recorded"] - each["not"], "µs", limit)  # fmt: skip


def _loops(history: History, folder: Path, repeats: int) -> Iterator[Row]:
    """Loops of trivial items. What a run of one item takes is its start, and is taken off."""
    save_flow(_ITEM, folder / "item.json")

    def looped(count: int) -> dict[str, float]:
        inputs = {"items": list(range(count))}
        sides = {
            "recorded": lambda: _run(_LOOP, history, inputs, folder).processor,
            "not": lambda: _run(_LOOP, None, inputs, folder).processor,
        }
        return interleave(sides, repeats)

    start = looped(1)
    for count in (1_000, 10_000):
        seconds = looped(count)
        name = f"for each of {count:,} items, recorded, without its start: processor"
        yield Row(name, seconds["recorded"] - start["recorded"], "s", LOOP_TIMES, on="ratio",
                  against="not recorded", other=seconds["not"] - start["not"])  # fmt: skip
    yield Row("  the start of one, recorded", start["recorded"], "s", against="not recorded",
              other=start["not"])  # fmt: skip


def _wake(home: Path, repeats: int) -> Row:
    """A run of 1,000 finished nodes waits for a person, and is answered in a process of its own;
    beside it, one that reads its events."""
    patchbay, flow = [sys.executable, "-m", "patchbay.flows"], home.parent / "asking.json"
    save_flow(_asking(1_000), flow)
    words = ["--record", "--no-cache", "--input", "text=hello"]
    subprocess.run([*patchbay, "run", str(flow), *words], capture_output=True)
    history = History(f"sqlite:///{home / 'history.sqlite'}")
    run = history.inbox.open()[0].run
    history.close()
    kept = home.with_name("waiting")
    shutil.copytree(home, kept)
    commands = {
        "wake": [*patchbay, "answer", run, "--approve"],
        "read": [*patchbay, "runs", run, "--json"],
    }
    used: dict[str, list[float]] = {"wake": [], "read": []}
    for name, command in list(commands.items()) * repeats:
        shutil.rmtree(home)
        shutil.copytree(kept, home)  # it waits again
        used[name].append(run_process(command).processor)
    return Row("waking a run of 1,000 finished nodes, whole process: processor", min(used["wake"]),
               "s", WAKE_TIMES, on="ratio", against="runs ID --json",
               other=min(used["read"]))  # fmt: skip


def _wake_inside(history: History, repeats: int) -> Row:
    """A run of 1,000 nodes that has stopped at its end goes on; its events are read and written.
    Without the start of a process."""
    flow = chain(1_000)
    ran = _run(flow, history)
    runs = history.table("runs")

    def stopped() -> None:
        change = runs.update().where(runs.c.id == ran.id).values(status="cancelled")
        history._store.do(lambda db: db.execute(change), write=True)

    def wake() -> float:
        stopped()
        began = time.process_time()
        run = resumed_run(history, history.get(ran.id), _environment(None))
        asyncio.run(_to_the_end(run))
        return time.process_time() - began

    def read() -> float:
        began = time.process_time()
        history.get(ran.id)
        for event in history.events(ran.id):
            json.dumps(event, ensure_ascii=False)
        return time.process_time() - began

    seconds = interleave({"wake": wake, "read": read}, repeats)
    return Row("  the same without the start of a process", seconds["wake"], "s",
               against="reading its events", other=seconds["read"])  # fmt: skip


def _against_langgraph(history: History, folder: Path, repeats: int) -> Row:
    length = 200
    flow = chain(length)
    name = f"  a recorded chain of {length}, per node"
    with langgraph() as peer:
        if peer is None:
            return Row(name, 0, "µs", note="LangGraph is not installed; make bench-peers")
        asked = f"{length} {folder / 'langgraph.sqlite'}"
        sides: dict[str, Callable[[], float]] = {
            "ours": lambda: _run(flow, history).seconds,
            "langgraph": lambda: peer(asked),
        }
        each = {side: s / length * 1e6 for side, s in interleave(sides, repeats).items()}
    return Row(name, each["ours"], "µs", 1 / TIMES_LESS, on="ratio",
               against="LangGraph, SQLite", other=each["langgraph"])  # fmt: skip


# --- runs ---------------------------------------------------------------------------------------


class Took:
    """What a run took: wall seconds and processor seconds, of its thread and the writer's."""

    def __init__(self, run_id: str, seconds: float, processor: float) -> None:
        self.id, self.seconds, self.processor = run_id, seconds, processor


def _run(
    flow: Flow,
    history: History | None,
    inputs: dict[str, Any] | None = None,
    folder: Path | None = None,
) -> Took:
    run = Run(LoadedFlow(flow, folder), inputs or {}, _environment(folder))
    if history is not None:
        run.add_sink(history.recorder(run.id, flow, folder))

    async def clocked() -> Took:
        began, used = time.perf_counter(), time.process_time()
        await _to_the_end(run)
        return Took(run.id, time.perf_counter() - began, time.process_time() - used)

    return asyncio.run(clocked())


async def _to_the_end(run: Run) -> None:
    events = [event async for event in run.events()]
    if not isinstance(events[-1], RunFinished):
        raise RuntimeError(f"the run ended with {events[-1]}")


def _environment(folder: Path | None) -> Environment:
    return replace(Environment(NODES, Pool()), folder=folder)


def _edge(source: str, target: str) -> Edge:
    return Edge.model_validate({"from": source, "to": target})


def _asking(length: int) -> Flow:
    """A chain of trivial nodes that ships with Patchbay, and a question at its end."""
    names = [f"n{number}" for number in range(length)]
    nodes = (
        NodeInstance(id="i", kind="io.input", params={"name": "text"}),
        *(NodeInstance(id=name, kind="text.join") for name in names),
        NodeInstance(id="a", kind="people.approve", params={"question": "Is it good?"}),
        _OUT,
    )
    ends = ["i.value", *(f"{name}.text" for name in names)]
    starts = [*(f"{name}.texts" for name in names), "a.value"]
    edges = (*map(_edge, ends, starts), _edge("a.approved", "o.value"))
    return Flow(name="asking", nodes=nodes, edges=edges)


_OUT = NodeInstance(id="o", kind="io.output", params={"name": "out"})
_ITEM = Flow(
    name="item",
    nodes=(
        NodeInstance(id="i", kind="io.input", params={"name": "item", "kind": "json"}),
        NodeInstance(id="r", kind="io.output", params={"name": "result"}),
    ),
    edges=(_edge("i.value", "r.value"),),
)
_LOOP = Flow(
    name="loop",
    nodes=(
        NodeInstance(id="l", kind="io.input", params={"name": "items", "kind": "json"}),
        NodeInstance(id="e", kind="logic.for_each", params={"flow": "item"}),
        _OUT,
    ),
    edges=(
        _edge("l.value", "e.items"),
        _edge("e.results", "o.value"),
    ),
)
