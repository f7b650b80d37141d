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
from typing import TYPE_CHECKING, Any

from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_flow
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Event, NodeFinished, RunFailed, RunFinished, Tokens
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.running import LoadedFlow, Run

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History
    from patchbay.flows.runs.thread_runs import InThread


@dataclass(frozen=True)
class RunResult:
    """What a finished run gave.

    `seconds` is wall time, `tokens` those of all models, `nodes` the outputs of every node by id,
    `thread` the id of the conversation that it was a turn of.
    """

    run: str
    outputs: dict[str, Any]
    seconds: float
    tokens: Tokens
    failed: tuple[str, ...] = ()
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    thread: str = ""


def load(path: str | Path) -> LoadedFlow:
    """Read a flow file.

    Raises:
        FlowError: everything that is wrong with the file.
    """
    whole = Path(path).resolve()
    return LoadedFlow(read_flow(Path(path)), whole.parent, whole)


async def stream(
    flow: LoadedFlow | Flow,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    environment: Environment | None = None,
    thread: str | InThread | None = None,
    history: History | None = None,
    **more: Any,
) -> AsyncGenerator[Event, None]:
    """Run a flow and yield its events as they happen.

    Flow inputs are given as a mapping, by keyword, or both. Leaving the loop stops the run. With a
    `thread` the run is a turn of a conversation; see `run`.

    Raises:
        FlowError: the flow has errors, or the inputs do not fit.
    """
    given = {**(inputs or {}), **more}
    _refuse_inputs_as_arguments(flow, given, environment, thread, history)
    begun = await _begun(flow, given, environment, thread, history)
    async with contextlib.aclosing(begun.events()) as events:
        async for event in events:
            yield event


async def _begun(
    flow: LoadedFlow | Flow,
    inputs: Mapping[str, Any],
    environment: Environment | None,
    thread: str | InThread | None,
    history: History | None,
) -> Run:
    if thread is None:
        return Run(flow, inputs, environment)
    from patchbay.flows.runs.defaults import default_environment
    from patchbay.flows.runs.history import History
    from patchbay.flows.runs.thread_runs import InThread, turn_of

    loaded = flow if isinstance(flow, LoadedFlow) else LoadedFlow(flow)
    use = InThread(thread) if isinstance(thread, str) else thread
    env = environment or default_environment()
    return await turn_of(loaded, inputs, env, use, history or History()).when_free()


def _refuse_inputs_as_arguments(
    flow: LoadedFlow | Flow,
    inputs: Mapping[str, Any],
    environment: object,
    thread: object,
    history: object,
) -> None:
    """An input of the flow may be called as an argument is; by keyword they cannot be told apart.

    A thread is named by a text, as an input may be: with an input of that name left out, a text is
    refused, since either could be meant.
    """
    if environment is not None and not isinstance(environment, Environment):
        raise FlowError([_meant_for_an_input("environment", "an Environment", environment)])
    if history is not None:
        from patchbay.flows.runs.history import History

        if not isinstance(history, History):
            raise FlowError([_meant_for_an_input("history", "a History", history)])
    if thread is None:
        return
    from patchbay.flows.runs.thread_runs import InThread

    if not isinstance(thread, str | InThread):
        raise FlowError([_meant_for_an_input("thread", "an id or an InThread", thread)])
    document = flow.flow if isinstance(flow, LoadedFlow) else flow
    if isinstance(thread, str) and "thread" not in inputs and "thread" in _asked_for(document):
        raise FlowError([_two_threads(thread)])


def _asked_for(flow: Flow) -> set[object]:
    """The names of its inputs."""
    return {node.params.get("name") for node in flow.nodes if node.kind == "io.input"}


def _meant_for_an_input(name: str, what: str, given: object) -> Problem:
    return Problem(
        f"input/{name}",
        f'"{name}" is {what} in which the flow runs, not {type(given).__name__}.',
        f'For an input of that name give the inputs as a mapping: run(flow, {{"{name}": …}}).',
    )


def _two_threads(given: str) -> Problem:
    return Problem(
        "input/thread",
        f'The flow has an input "thread", and an argument of that name is given ("{given[:60]}").',
        'For the input give a mapping: run(flow, {"thread": …}); '
        "for a conversation say thread=InThread(id).",
    )


async def arun(
    flow: LoadedFlow | Flow,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    environment: Environment | None = None,
    thread: str | InThread | None = None,
    history: History | None = None,
    **more: Any,
) -> RunResult:
    """Run a flow to its end. See `run`."""
    nodes: dict[str, dict[str, Any]] = {}
    given = {**(inputs or {}), **more}
    _refuse_inputs_as_arguments(flow, given, environment, thread, history)
    begun = await _begun(flow, given, environment, thread, history)
    async with contextlib.aclosing(begun.events()) as events:
        async for event in events:
            if isinstance(event, NodeFinished):
                nodes[event.node] = event.outputs
            elif isinstance(event, RunFailed):
                raise RunError(event.problem)
            elif isinstance(event, RunFinished):
                return RunResult(
                    event.run, event.outputs, event.seconds, event.tokens, event.failed, nodes,
                    begun.thread,
                )  # fmt: skip
    raise RunError(Problem("run/cancelled", "The run was stopped."))


def run(
    flow: LoadedFlow | Flow,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    environment: Environment | None = None,
    thread: str | InThread | None = None,
    history: History | None = None,
    **more: Any,
) -> RunResult:
    """Run a flow to its end and return what it gave.

    Works where an event loop is already running (a notebook), in a thread of its own.

    Args:
        flow: a flow, or what `load` returned.
        inputs: values of the flow inputs, by name; they may be given by keyword as well, save
            those that are called as an argument is.
        environment: catalog, pool, cache and so on, where the defaults do not fit.
        thread: the id of a conversation that the run is a turn of, or an `InThread` that says more.
            A flow input of the kind messages then gets what was said before, and the answer is
            kept. The run is recorded.
        history: where the thread is kept; the default history unless given.

    Raises:
        FlowError: the flow has errors, or the inputs do not fit.
        RunError: a node failed; `problem` says which and why.
    """
    work = arun(flow, inputs, environment=environment, thread=thread, history=history, **more)
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

    worker = threading.Thread(target=apart, name="patchbay-run")
    worker.start()
    worker.join()
    if isinstance(box[0], BaseException):
        raise box[0]
    return box[0]
