"""`patchbay run`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from patchbay.flows.blackout import finish
from patchbay.flows.checks.resolve import Resolved, resolve_once
from patchbay.flows.cli import say
from patchbay.flows.cli.arguments import (
    read_inputs,
    refuse_changed_since_sent,
    with_settings,
)
from patchbay.flows.cli.options import (
    AnswerJson,
    AsEvents,
    Container,
    EnvName,
    Gpus,
    JobTime,
    Machines,
    NoCache,
    PrintOnly,
    Profile,
    Quiet,
    RunTraceContent,
    SendTrace,
    Verbose,
    Workers,
)
from patchbay.flows.cli.watch import EventLines, JsonResult, Terminal, View
from patchbay.flows.document.reading import read_flow
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.events import NodeAsked, RunCancelled, RunEnd, RunFailed, RunWaiting
from patchbay.flows.runs.running import LoadedFlow, Run, new_run_id, settled

if TYPE_CHECKING:
    from patchbay.flows.batch.clusters import Cluster
    from patchbay.flows.batch.sent import JobReads
    from patchbay.flows.runs.history import History
    from patchbay.nodes.questions import Question, Reply

Result = TypeVar("Result")


def run(
    flow: Annotated[Path | None, typer.Argument(help="The flow file.")] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", help="name=value, or name=@file. May be repeated."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="node.param=value, for this run only. May be repeated."),
    ] = None,
    env_name: EnvName = "",
    only: Annotated[
        list[str] | None, typer.Option(help="Run just what this node needs. May be repeated.")
    ] = None,
    as_json: AnswerJson = False,
    events: AsEvents = False,
    no_cache: NoCache = False,
    record: Annotated[
        bool, typer.Option(help="Record the run, so that it can be resumed and looked at.")
    ] = False,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN_ID", help="Go on with a recorded run.")
    ] = None,
    trace: SendTrace = None,
    trace_content: RunTraceContent = False,
    where: Annotated[
        str,
        typer.Option(
            "--on",
            metavar="WHERE",
            help="Where items of For each and models run: here, ray, ray://head:10001, slurm, or a "
            "cluster of settings.",
        ),
    ] = "here",
    workers: Workers = 0,
    gpus: Gpus = 0,
    nodes: Machines = 0,
    job_time: JobTime = "",
    container: Container = "",
    profile: Profile = "",
    print_only: PrintOnly = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Annotated[bool, typer.Option("--debug", help="Tracebacks of what fails.")] = False,
) -> None:
    """Run a flow and print what it gives."""
    if debug:
        logging.basicConfig(level=logging.WARNING)
        logging.getLogger("patchbay").setLevel(logging.DEBUG)
    cluster: Cluster | None = None
    elsewhere = (workers, gpus, nodes, job_time, container, profile, print_only)
    if where != "here" or any(elsewhere):
        from patchbay.flows.cli.places import place_or_job

        def asked() -> JobReads:
            if resume is not None:
                return _asked_again(resume, env_name)
            made = _fresh(flow, inputs or [], settings or [], only or [], env_name, False, False)
            return _asked(made, flow, env_name)

        cluster = place_or_job(
            "run", where, print_only, quiet, flow, asked, workers=workers, gpus=gpus, nodes=nodes,
            time=job_time, container=container, profile=profile,
        )  # fmt: skip
    else:
        refuse_changed_since_sent()
    if resume is not None:
        run_ = _resumed(resume, flow, env_name, use_cache=not no_cache)
        note = f"Resuming run {resume}"
    else:
        run_ = _fresh(
            flow, inputs or [], settings or [], only or [], env_name, not no_cache, record
        )
        note = f"Recording run {run_.id}; patchbay run --resume {run_.id}" if record else ""
    if note and not quiet:
        say.err(note)
    view = view_of(run_.resolved, as_json, events, quiet, verbose)
    with _elsewhere(cluster, run_, quiet):
        code = show_traced(run_, view, trace, trace_content, quiet)
    leave(code)


def _elsewhere(
    cluster: Cluster | None, run: Run, quiet: bool
) -> contextlib.AbstractContextManager[None]:
    if cluster is None:
        return contextlib.nullcontext()
    from patchbay.flows.cli.places import run_on

    return run_on(cluster, run, quiet)


def show_traced(
    run: Run, view: Any, trace: str | None = None, content: bool = False, quiet: bool = False
) -> int:
    """Run it and show what happens, with a trace where one is asked for, here or by the
    environment. The exit code.

    Raises:
        FlowError: OpenTelemetry is not installed, or there is no such address.
    """
    with following(run, trace, content, quiet) as view.trace:
        return asyncio.run(show(run, view))


def following(
    run: Run, trace: str | None, content: bool, quiet: bool
) -> contextlib.AbstractContextManager[str]:
    """Send a trace of a run that begins in the block, where one is asked for; gives its id."""
    if not (trace or content or os.environ.get("PATCHBAY_TRACE")):
        return contextlib.nullcontext("")
    from patchbay.flows.cli.tracing import traced

    return traced(run, trace, content, quiet)


def _asked(made: Run, path: Path | None, env_name: str) -> JobReads:
    """What a job of a run reads: its flow, and the files that it is given."""
    from patchbay.flows.batch.sent import JobReads, files_in

    document = LoadedFlow(made.flow, made.environment.folder, path)
    return JobReads([document], [*files_in(made.inputs)], env_name)


def _asked_again(run: str, env_name: str) -> JobReads:
    """What a job reads that goes on with a recorded run."""
    from patchbay.flows.batch.sent import JobReads

    past = open_history().get(run)
    return JobReads([LoadedFlow(past.flow, past.folder)], (), env_name)


def _fresh(
    path: Path | None,
    inputs: list[str],
    settings: list[str],
    only: list[str],
    env_name: str,
    use_cache: bool,
    record: bool,
) -> Run:
    if path is None:
        raise say.usage("No flow was named.", "patchbay run FLOW.json")
    flow = with_settings(read_flow(path), settings)
    folder = path.resolve().parent
    env = default_environment(use_cache=use_cache, folder=folder)
    if flow.variables or env_name:
        env = replace(env, variables=env_name)
        flow = settled(flow, env_name)
    resolved = resolve_once(flow, env.catalog)
    run_id = new_run_id()
    if record:
        from patchbay.flows.runs.answers import recorded

        env = recorded(env, open_history(), run_id, flow, folder, tuple(only), path)
    elif sys.stdin.isatty() and sys.stderr.isatty():
        env = replace(env, asker=at_the_terminal)
    return Run(LoadedFlow(flow, folder), read_inputs(inputs, resolved), env, only, run_id)


async def at_the_terminal(event: NodeAsked, question: Question) -> Reply:
    """Ask the person at the terminal."""
    from patchbay.flows.cli.asker import ask

    return await ask(event, question)


def _resumed(run_id: str, path: Path | None, env_name: str, use_cache: bool) -> Run:
    if path is not None:
        raise say.usage(
            "--resume goes on with the flow as it was recorded.", f"patchbay run --resume {run_id}"
        )
    from patchbay.flows.runs.resume import resumed_run

    history = open_history()
    past = history.get(run_id)
    env = default_environment(use_cache=use_cache, folder=past.folder)
    env = replace(env, variables=env_name)  # for flows that it runs; its own values are recorded
    return resumed_run(history, past, env)


def open_history() -> History:
    """The history; what happened to its file is said."""
    from patchbay.flows.runs.history import History

    history = History()
    say.notice(history.notice)
    return history


def view_of(resolved: Resolved, as_json: bool, events: bool, quiet: bool, verbose: bool) -> View:
    """What shows a run, as the options say."""
    if events:
        return EventLines(quiet)
    return JsonResult(quiet) if as_json else Terminal(resolved, quiet, verbose)


async def show(run_: Run, view: View) -> int:
    """Run it, show its events, and return the exit status."""
    code = 0
    with interruptible(run_.cancel) as interrupted:
        async with contextlib.aclosing(run_.events()) as stream:
            async for event in stream:
                view.show(event)
                if isinstance(event, RunFailed):
                    code = say.EXIT_PROBLEM
                    if not isinstance(view, Terminal):
                        say.problems([event.problem])
                elif isinstance(event, RunWaiting):
                    code = say.EXIT_WAITING
                elif isinstance(event, RunCancelled):
                    code = interrupted[0] if interrupted else say.EXIT_INTERRUPTED
                if isinstance(event, RunEnd):
                    break
    return code


def leave(code: int) -> NoReturn:
    """End the process with this exit status.

    A thread that was left behind in foreign code (a model that is still being loaded, say) would
    abort the interpreter on its way out; then the process ends without it.
    """
    if any(thread.name.startswith("patchbay-") for thread in threading.enumerate()):
        finish()
        say.close_outlets()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


@contextlib.contextmanager
def interruptible(cancel: Callable[[], None]) -> Iterator[list[int]]:
    """Ctrl+C once stops cleanly, twice at once. Yields the exit code, once there is one."""
    asked: list[int] = []

    def stop(number: int, _frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(128 + number)
        cancel()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class StoppedError(Exception):
    """A person stopped what was at work; `code` is the exit status that says so."""

    def __init__(self, code: int) -> None:
        super().__init__("Stopped.")
        self.code = code


async def until_stopped(work: Coroutine[Any, Any, Result]) -> Result:
    """What some work gives. Ctrl+C once cancels it, twice ends it at once.

    Raises:
        StoppedError: it was cancelled.
    """
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

    def stop() -> None:
        loop.call_soon_threadsafe(task.cancel)

    with interruptible(stop) as asked:
        try:
            return await task
        except asyncio.CancelledError:
            raise StoppedError(asked[0] if asked else say.EXIT_INTERRUPTED) from None
