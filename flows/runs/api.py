"""Load a flow, run it, watch it: the Python API.

from flows import load, run
flow = load("flows/saved/ask.json")
result = run(flow, question="What is the capital of Denmark?")
print(result.outputs["answer"], result.seconds, result.tokens)
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_flow
from patchbay.flows.problems import Problem
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Event, NodeFinished, RunFailed, RunFinished, Tokens
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.running import LoadedFlow, Run


@dataclass(frozen=True)
class RunResult:
    """What a finished run gave.

    `seconds` is wall time, `tokens` those of all models, `nodes` the outputs of every node by id.
    """

    run: str
    outputs: dict[str, Any]
    seconds: float
    tokens: Tokens
    failed: tuple[str, ...] = ()
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)


def load(path: str | Path) -> LoadedFlow:
    """Read a flow file.

    Raises:
        FlowError: everything that is wrong with the file.
    """
    return LoadedFlow(read_flow(Path(path)), Path(path).resolve().parent)


async def stream(
    flow: LoadedFlow | Flow,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    environment: Environment | None = None,
    **more: Any,
) -> AsyncGenerator[Event, None]:
    """Run a flow and yield its events as they happen.

    Flow inputs are given as a mapping, by keyword, or both. Leaving the loop stops the run.

    Raises:
        FlowError: the flow has errors, or the inputs do not fit.
    """
    async with contextlib.aclosing(
        Run(flow, {**(inputs or {}), **more}, environment).events()
    ) as events:
        async for event in events:
            yield event


async def arun(
    flow: LoadedFlow | Flow,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    environment: Environment | None = None,
    **more: Any,
) -> RunResult:
    """Run a flow to its end. See `run`."""
    nodes: dict[str, dict[str, Any]] = {}
    async for event in stream(flow, inputs, environment=environment, **more):
        if isinstance(event, NodeFinished):
            nodes[event.node] = event.outputs
        elif isinstance(event, RunFailed):
            raise RunError(event.problem)
        elif isinstance(event, RunFinished):
            return RunResult(
                event.run, event.outputs, event.seconds, event.tokens, event.failed, nodes
            )
    raise RunError(Problem("run/cancelled", "The run was stopped."))


def run(
    flow: LoadedFlow | Flow,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    environment: Environment | None = None,
    **more: Any,
) -> RunResult:
    """Run a flow to its end and return what it gave.

    Works where an event loop is already running (a notebook), in a thread of its own.

    Args:
        flow: a flow, or what `load` returned.
        inputs: values of the flow inputs, by name; they may be given by keyword as well.
        environment: catalog, pool, cache and so on, where the defaults do not fit.

    Raises:
        FlowError: the flow has errors, or the inputs do not fit.
        RunError: a node failed; `problem` says which and why.
    """
    work = arun(flow, inputs, environment=environment, **more)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    box: list[RunResult | BaseException] = []

    def apart() -> None:
        try:
            box.append(asyncio.run(work))
        except BaseException as error:  # raised again in the caller's thread
            box.append(error)

    thread = threading.Thread(target=apart, name="patchbay-run")
    thread.start()
    thread.join()
    if isinstance(box[0], BaseException):
        raise box[0]
    return box[0]
