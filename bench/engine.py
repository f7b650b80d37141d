"""What the engine adds to the nodes' own work."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.nodes import CATALOG, chain, side_by_side
from bench.peers import command, has_langgraph
from bench.table import Row
from bench.timing import interleave
from patchbay.flows import Run
from patchbay.flows.document.model import Flow
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import RunFinished
from patchbay.flows.runs.resources import Pool

LENGTHS = (100, 1_000, 10_000)
PER_NODE_US = 60
"""Microseconds that the engine may add to a node."""
OVER_A_TASK = 2.5
"""How many times a task of asyncio a node of a chain of 1,000 may take."""
TIMES_LESS = 5
"""LangGraph takes at least this many times as long."""
FLAT = 1.5
"""The longest chain may take this many times as long per node as the shortest."""


def measure(quick: bool = False) -> Iterator[Row]:
    """Overhead per node in chains, and whether independent nodes overlap."""
    yield from _chains(quick)
    yield _overlap(quick)


def _chains(quick: bool) -> Iterator[Row]:
    ours: dict[int, float] = {}
    with langgraph() as peer_runs:
        for length in LENGTHS:
            sides = {"ours": _ours(length), "asyncio": _asyncio(length)}
            # Its longest chain takes seconds and says nothing that the others do not.
            peer = peer_runs is not None and length < LENGTHS[-1]
            if peer_runs is not None and peer:
                sides["langgraph"] = lambda n=length: peer_runs(n)  # type: ignore[misc]
            repeats = 3 if quick or length == LENGTHS[-1] else 9
            each = {k: s / length * 1e6 for k, s in interleave(sides, repeats).items()}
            ours[length] = each["ours"]
            name = f"engine per node, chain of {length:,}"
            yield Row(name, each["ours"], "µs", PER_NODE_US, against="asyncio task",
                      other=each["asyncio"])  # fmt: skip
            if length == LENGTHS[1]:
                yield Row("  over an asyncio task", each["ours"], "µs", OVER_A_TASK, on="ratio",
                          against="asyncio task", other=each["asyncio"])  # fmt: skip
            if peer:
                yield Row("  against LangGraph", each["ours"], "µs", 1 / TIMES_LESS, on="ratio",
                          against="LangGraph", other=each["langgraph"])  # fmt: skip
        if peer_runs is None:
            yield Row("  against LangGraph", 0, "µs", note="not installed; make bench-peers")
    yield Row("  flat: longest over shortest chain", ours[LENGTHS[-1]], "µs", FLAT, on="ratio",
              against="the shortest", other=ours[LENGTHS[0]])  # fmt: skip


def _overlap(quick: bool) -> Row:
    flow = side_by_side(50, 0.2)
    seconds = interleave(
        {"ours": lambda: _run(flow), "asyncio": lambda: _inside(_sleeps)},
        repeats=2 if quick else 5,
    )
    return Row("50 independent nodes of 0.2 s", seconds["ours"], "s", 0.25,
               against="asyncio.gather", other=seconds["asyncio"])  # fmt: skip


async def _sleeps() -> None:
    await asyncio.gather(*(asyncio.sleep(0.2) for _ in range(50)))


# --- the sides ----------------------------------------------------------------------------------


def _ours(length: int) -> Callable[[], float]:
    flow = chain(length)
    return lambda: _run(flow)


def _run(flow: Flow) -> float:
    """Seconds from the start to the last event. The flow is checked before, as LangGraph's is."""
    run = Run(flow, {}, Environment(CATALOG, Pool()))

    async def consume() -> None:
        async for event in run.events():
            last = event
        if not isinstance(last, RunFinished):
            raise RuntimeError(f"the run ended with {last}")

    return _inside(consume)


def _inside(work: Callable[[], Awaitable[None]]) -> float:
    """Seconds inside the event loop; starting and closing the loop is nobody's overhead."""

    async def clocked() -> float:
        began = time.perf_counter()
        await work()
        return time.perf_counter() - began

    return asyncio.run(clocked())


def _asyncio(length: int) -> Callable[[], float]:
    """The floor: one task per node, each started when the one before it has ended."""

    async def step(value: float) -> float:
        return value

    async def all_steps() -> None:
        value = 1.0
        for _ in range(length):
            value = await asyncio.create_task(step(value))

    return lambda: _inside(all_steps)


@contextmanager
def langgraph() -> Iterator[Callable[[int | str], float] | None]:
    """LangGraph in its own environment, fed chain lengths and answering with seconds.

    After a length may stand the SQLite file of its checkpoints.
    """
    python = command("python")
    if python is None or not has_langgraph():
        yield None
        return
    script = str(Path(__file__).with_name("peer_langgraph.py"))
    with subprocess.Popen(
        [python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("no pipes")

        def ask(length: int | str) -> float:
            stdin.write(f"{length}\n")
            stdin.flush()
            return float(stdout.readline())

        try:
            yield ask
        finally:
            stdin.close()
