"""An unchanged flow, run again: no node may execute."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.process import PLAIN
from bench.table import Row
from patchbay.flows import Run, load
from patchbay.flows.runs.cache import FolderCache
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import NodeFinished, NodeStarted


def measure(quick: bool = False) -> Iterator[Row]:
    """How many nodes of a second run were started, of how many."""
    with tempfile.TemporaryDirectory() as folder:
        env = default_environment(use_cache=False)
        env = replace(env, cache=FolderCache(Path(folder), env.catalog.value_types))
        first, _ = asyncio.run(_count(env))
        started, finished = asyncio.run(_count(env))
    if finished != first:
        raise RuntimeError(f"{first} nodes ran at first, {finished} finished when run again")
    yield Row("unchanged flow again: nodes run", started, "", 0, against="the first time",
              other=first)  # fmt: skip


async def _count(env: Environment) -> tuple[int, int]:
    started = finished = 0
    async for event in Run(load(PLAIN), {}, env).events():
        started += isinstance(event, NodeStarted)
        finished += isinstance(event, NodeFinished)
    return started, finished
