"""LangGraph's side of the chain benchmark. Runs in the peers' environment, not in ours.

Reads a chain length per line and answers with the seconds that running that chain took. The graph
is compiled before, once per length.
"""

from __future__ import annotations

import asyncio
import sys
import time
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
    """A compiled chain of trivial nodes."""
    graph = StateGraph(State)
    names = [f"n{i}" for i in range(length)]
    for name in names:
        graph.add_node(name, step)
    for source, target in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(source, target)
    return graph.compile()


async def measure(length: int) -> float:
    """Seconds of one run."""
    compiled = chain(length)
    began = time.perf_counter()
    await compiled.ainvoke({"value": 1}, {"recursion_limit": length + 10})
    return time.perf_counter() - began


for line in sys.stdin:
    print(asyncio.run(measure(int(line))), flush=True)
