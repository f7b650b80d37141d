"""Load a flow, run it, watch it: the Python API.

from flows import load, run
flow = load("flows/saved/ask.json")
result = run(flow, question="What is the capital of Denmark?")
print(result.outputs["answer"], result.seconds, result.tokens)
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_flow
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Event
from patchbay.flows.runs.results import RunResult, aanswer, answer, blocking, ended, stop
from patchbay.flows.runs.running import LoadedFlow, Run, new_run_id, settled

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History
    from patchbay.flows.runs.thread_runs import InThread


__all__ = ["RunResult", "aanswer", "answer", "arun", "load", "run", "stop", "stream"]


def load(path: str | Path, *, env: str = "") -> LoadedFlow:
    """Read a flow file.

    Args:
        path: the file.
        env: the environment whose values its variables get; without one that of this machine
            (`PATCHBAY_ENV`), chosen when the flow is run.

    Raises:
        FlowError: everything that is wrong with the file, or it has no such environment.
    """
    whole = Path(path).resolve()
    flow = read_flow(Path(path))
    return LoadedFlow(settled(flow, env) if env else flow, whole.parent, whole)


async def stream(
    flow: LoadedFlow | Flow,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    environment: Environment | None = None,
    thread: str | InThread | None = None,
    history: History | None = None,
    record: bool = False,
    **more: Any,
) -> AsyncGenerator[Event, None]:
    """Run a flow and yield its events as they happen.

    Flow inputs are given as a mapping, by keyword, or both. Leaving the loop stops the run. With a
    `thread` the run is a turn of a conversation; with `record` it is kept; see `run`.

    Raises:
        FlowError: the flow has errors, or the inputs do not fit.
    """
    given = {**(inputs or {}), **more}
    _refuse_inputs_as_arguments(flow, given, environment, thread, history, record)
    begun = await _begun(flow, given, environment, thread, history, record)
    async with contextlib.aclosing(begun.events()) as events:
        async for event in events:
            yield event


async def _begun(
    flow: LoadedFlow | Flow,
    inputs: Mapping[str, Any],
    environment: Environment | None,
    thread: str | InThread | None,
    history: History | None,
    record: bool,
) -> Run:
    if thread is None and not record:
        return Run(flow, inputs, environment)
    from patchbay.flows.runs.defaults import default_environment
    from patchbay.flows.runs.history import History
    from patchbay.flows.runs.thread_runs import InThread, turn_of

    loaded = flow if isinstance(flow, LoadedFlow) else LoadedFlow(flow)
    history = history or History()
    if thread is None:
        from patchbay.flows.runs.answers import recorded

        run_id = new_run_id()
        env = environment or default_environment(folder=loaded.folder)
        folder = env.folder or loaded.folder
        env = recorded(env, history, run_id, loaded.flow, folder, file=loaded.path)
        return Run(loaded, inputs, env, run_id=run_id)
    use = InThread(thread) if isinstance(thread, str) else thread
    env = environment or default_environment()
    return await turn_of(loaded, inputs, env, use, history).when_free()


def _refuse_inputs_as_arguments(
    flow: LoadedFlow | Flow,
    inputs: Mapping[str, Any],
    environment: object,
    thread: object,
    history: object,
    record: object,
) -> None:
    """An input of the flow may be called as an argument is; by keyword they cannot be told apart.

    A thread is named by a text, as an input may be, and to record is a yes: with an input of that
    name left out, they are refused, since either could be meant.
    """
    if environment is not None and not isinstance(environment, Environment):
        raise FlowError([_meant("input/environment", "an Environment", environment)])
    if history is not None:
        from patchbay.flows.runs.history import History

        if not isinstance(history, History):
            raise FlowError([_meant("input/history", "a History", history)])
    if not isinstance(record, bool):
        raise FlowError([_meant("input/record", "True or False", record)])
    document = flow.flow if isinstance(flow, LoadedFlow) else flow
    if record and "record" not in inputs and "record" in _asked_for(document):
        raise FlowError([_two_records()])
    if thread is None:
        return
    from patchbay.flows.runs.thread_runs import InThread

    if not isinstance(thread, str | InThread):
        raise FlowError([_meant("input/thread", "an id or an InThread", thread)])
    if isinstance(thread, str) and "thread" not in inputs and "thread" in _asked_for(document):
        raise FlowError([_two_threads(thread)])


def _asked_for(flow: Flow) -> set[object]:
    """The names of its inputs."""
    return {node.params.get("name") for node in flow.nodes if node.kind == "io.input"}


def _meant(code: str, what: str, given: object) -> Problem:
    """That it is meant for an input of that name."""
    name = code.removeprefix("input/")
    return Problem(
        code,
        f'"{name}" of a run is {what}, not {type(given).__name__}.',
        f'For an input of that name give the inputs as a mapping: run(flow, {{"{name}": …}}).',
    )


def _two_records() -> Problem:
    return Problem(
        "input/record",
        'The flow has an input "record", and an argument of that name is given.',
        'For the input give a mapping: run(flow, {"record": …}), and record=True beside it to '
        "keep the run.",
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
    record: bool = False,
    **more: Any,
) -> RunResult:
    """Run a flow to its end. See `run`."""
    given = {**(inputs or {}), **more}
    _refuse_inputs_as_arguments(flow, given, environment, thread, history, record)
    if history is None and (record or thread is not None):
        from patchbay.flows.runs.history import History

        history = History()
    begun = await _begun(flow, given, environment, thread, history, record)
    return await ended(begun, environment, history)


def run(
    flow: LoadedFlow | Flow,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    environment: Environment | None = None,
    thread: str | InThread | None = None,
    history: History | None = None,
    record: bool = False,
    **more: Any,
) -> RunResult:
    """Run a flow to its end, or until it waits for people, and return what it gave.

    Works where an event loop is already running (a notebook), in a thread of its own.

    Args:
        flow: a flow, or what `load` returned.
        inputs: values of the flow inputs, by name; they may be given by keyword as well, save
            those that are called as an argument is.
        environment: catalog, pool, cache and so on, where the defaults do not fit.
        thread: the id of a conversation that the run is a turn of, or an `InThread` that says more.
            A flow input of the kind messages then gets what was said before, and the answer is
            kept. The run is recorded.
        history: where the run and the thread are kept; the default history unless given.
        record: keep the run, so that it can be resumed, and wait for people. The result of one that
            waits says what it asks, and `result.answer(approve=True)` goes on with it.

    Raises:
        FlowError: the flow has errors, or the inputs do not fit.
        RunError: a node failed; `problem` says which and why.
    """
    work = arun(
        flow, inputs, environment=environment, thread=thread, history=history, record=record, **more
    )
    return blocking(work)
