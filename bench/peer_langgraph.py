"""LangGraph's side of the chain benchmark. Runs in the peers' environment, not in ours.

Reads a chain length per line and answers with the seconds that running that chain took. The graph
is compiled before, once per length. After the length may stand an SQLite file: then the run keeps
its checkpoints there, with LangGraph's own saver, which is opened before.
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from functools import cache
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    """What the nodes hand on."""

    value: int


async def step(state: State) -> State:
    """The trivial node."""
    return {"value": state["value"]}


@cache
def chain(length: int) -> Any:
    """A chain of trivial nodes."""
    graph = StateGraph(State)
    names = [f"n{i}" for i in range(length)]
    for name in names:
        graph.add_node(name, step)
    for source, target in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(source, target)
    return graph


@cache
def compiled(length: int) -> Any:
    """The same, compiled."""
    return chain(length).compile()


async def measure(length: int, file: str = "") -> float:
    """Seconds of one run."""
    if not file:
        return await timed(compiled(length), length)
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver  # type: ignore[import-not-found]

    async with AsyncSqliteSaver.from_conn_string(file) as saver:
        await saver.setup()
        return await timed(chain(length).compile(checkpointer=saver), length)


async def timed(graph: Any, length: int) -> float:
    """Seconds of one run of a compiled graph."""
    config = {"recursion_limit": length + 10, "configurable": {"thread_id": str(uuid.uuid4())}}
    began = time.perf_counter()
    await graph.ainvoke({"value": 1}, config)
    return time.perf_counter() - began


for line in sys.stdin:
    first, _, rest = line.strip().partition(" ")
    print(asyncio.run(measure(int(first), rest)), flush=True)
