"""A run as an object: start it, watch its events, stop it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets as stdlib_secrets
import time
from collections import deque
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.document.model import Flow
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.engine import Execution
from patchbay.flows.runs.environment import Environment, Sink, Trace
from patchbay.flows.runs.events import (
    Event,
    NodeAsked,
    RunCancelled,
    RunEnd,
    RunFailed,
    RunFinished,
    RunStarted,
    RunWaiting,
    RunWarned,
    Tokens,
)
from patchbay.flows.runs.failures import SchedulerError, StepError, explain, said
from patchbay.flows.runs.inputs import accept
from patchbay.flows.runs.rest import Rest
from patchbay.flows.runs.subflows import Prepared, prepare
from patchbay.nodes.errors import Suspended
from patchbay.nodes.threads import whole_in_thread

if TYPE_CHECKING:
    from patchbay.flows.runs.journal import Journal
    from patchbay.flows.runs.secrets import Secrets
    from patchbay.flows.runs.thread_holds import Hold

log = logging.getLogger("patchbay")


def settled(flow: Flow, environment: str, *, strict: bool = True) -> Flow:
    """A flow with the values of one environment. See `flows/document/variables.py`."""
    from patchbay.flows.document.variables import settled as with_values

    return with_values(flow, environment, strict=strict)


@dataclass(frozen=True)
class LoadedFlow:
    """A flow with its file, and the folder where the flows it runs lie beside it."""

    flow: Flow
    folder: Path | None = None
    path: Path | None = None


class Run:
    """One run of a flow. Iterate over it for its events; `cancel` stops it from any thread.

    Args:
        flow: what to run.
        inputs: values of the flow inputs, by name.
        env: everything from outside; the defaults unless given.
        only: ids of nodes; just these and what they need are run.
        run_id: the id of the run that is being resumed.
        prepared: the flow as `prepare` made it, by whoever runs it often; it is not checked anew.
        from_person: whether a text may name a file to read: it may not when it comes from afar.

    Raises:
        FlowError: the flow has errors or the inputs do not fit. Nothing has been run.
    """

    def __init__(
        self,
        flow: LoadedFlow | Flow,
        inputs: Mapping[str, Any],
        env: Environment | None = None,
        only: Collection[str] = (),
        run_id: str | None = None,
        prepared: Prepared | None = None,
        from_person: bool = True,
    ) -> None:
        loaded = flow if isinstance(flow, LoadedFlow) else LoadedFlow(flow)
        env = env or default_environment()
        if loaded.flow.variables and prepared is None:
            loaded = replace(loaded, flow=settled(loaded.flow, env.variables, strict=False))
        self.id = run_id or new_run_id()
        self.flow = loaded.flow
        self._env = replace(
            env,
            folder=env.folder or loaded.folder,
            journal=_journal(env.sinks, env.journal),
            place=env.place or str(loaded.path or loaded.flow.name),
        )
        self._only = tuple(only)
        ready = prepared or prepare(
            loaded.flow, env.catalog, self._env.folder, self._only, env.variables, env.pinned
        )
        self.prepared = ready
        """The flow, checked and planned."""
        self.resolved, self._plan, self._subflows = ready.resolved, ready.plan, ready.subflows
        if env.desk is None and env.asker is None:
            ready.refuse_to_ask()
        elif env.desk is not None:  # what is done grows while the run waits for answers
            self._env = replace(self._env, stored=dict(env.stored))
            env.desk.expected = bool(ready.asks)
        asks = [step.id for step in self._plan.steps.values() if not step.pinned]
        self.inputs = accept(self.resolved, inputs, asks, from_person=from_person)
        # What the flow names is blacked out from the start, not only once a node has asked for it.
        self._env.secrets.know(ready.secrets)
        self._sinks = list(self._env.sinks)
        self._queue: deque[Event] = deque()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun = False
        self._rest = Rest(self.id, self._env, self._emit)
        self._given = self.inputs
        self._hold: Hold | None = None
        self._notes: list[str] = []

    @property
    def folder(self) -> Path | None:
        """The folder of the flow."""
        return self._env.folder

    @property
    def secrets(self) -> Secrets:
        """Where its secrets are, and what is blacked out of what it says."""
        return self._env.secrets

    @property
    def thread(self) -> str:
        """The id of the thread that this is a turn of; "" where it is none."""
        return "" if self._hold is None else self._hold.thread.id

    @property
    def turns_before(self) -> int:
        """How many turns of its thread come before it."""
        return 0 if self._hold is None else self._hold.before

    @property
    def cancel_asked(self) -> bool:
        """Whether somebody has asked it to stop."""
        return self._rest.stop_asked

    def make_room(self, beside: Iterable[Run] = ()) -> None:
        """Let go of what earlier runs opened and this one does not need, where it is idle.

        For a process that runs one flow after another, such as the studio. Blocks for a moment.

        Args:
            beside: other runs that are under way, whose models stay open between their calls too.
        """
        from patchbay.flows.checks.memory import memory_plan

        plans = [memory_plan(run.resolved, run.folder) for run in (self, *beside)]
        pool = self._env.pool
        pool.let_go(keep=[*pool.kept, *(share.spec for plan in plans for share in plan.shares)])

    async def events(self) -> AsyncGenerator[Event, None]:
        """Start the run and yield its events, to the one that says how it ended.

        Leaving the loop early stops the run.
        """
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._main())
        self._task.add_done_callback(lambda _: self._news.set())
        try:
            while True:
                while self._queue:
                    event = self._queue.popleft()
                    yield event
                    if isinstance(event, RunEnd):
                        return
                if self._task.done():
                    yield self._broken(self._task)
                    return
                self._news.clear()
                await self._news.wait()
        finally:
            self._rest.stop_asked = True
            self._stop()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([self._task])

    def _broken(self, task: asyncio.Task[None]) -> RunFailed:
        """The end of a run that broke before it could say how it ended: a defect of ours."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
            raise error
        defect = _scheduler_error(error or asyncio.CancelledError())
        problem = explain(defect, "", self._env.secrets)
        return RunFailed(at=time.time(), run=self.id, seconds=0.0, tokens=Tokens(), problem=problem)

    def add_sink(self, sink: Sink) -> None:
        """Have somebody else told of the events; before the run starts."""
        sinks = (*self._env.sinks, sink)
        self._env = replace(self._env, sinks=sinks, journal=_journal(sinks, self._env.journal))
        self._sinks.append(sink)

    def trace_by(self, trace: Trace) -> None:
        """Have somebody follow the run closely; before it starts."""
        self._env = replace(self._env, trace=trace)

    def join(self, hold: Hold) -> None:
        """Make the run a turn of a thread, before it starts: an input of the kind messages gets
        what was said before."""
        self._hold = hold
        thread = hold.thread
        self._env = replace(self._env, thread=thread.id, person=thread.person, history=hold.history)
        question = self.inputs[hold.input]
        if isinstance(question, str):
            return
        turns = hold.turns()
        said = [message for turn in turns for message in turn.messages]
        self._given = {**self.inputs, hold.input: [*said, *question]}
        if lost := [str(turn.number) for turn in turns if turn.damaged]:
            self._notes.append(
                f"In the thread {hold.thread.id}, what was said in turn {', '.join(lost)} cannot "
                "be read any more; the flow does not get it."
            )

    def cancel(self) -> None:
        """Stop the run; its last event will be `run_cancelled`. May be called from any thread.

        One that has just said that it waits is stopped where it is recorded.
        """
        if not self._rest.ask_stop() and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed: the run has ended
                self._loop.call_soon_threadsafe(self._stop)

    def nudge(self) -> None:
        """Somebody has answered: have the run look now. May be called from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._rest.nudged.set)

    def _stop(self) -> None:
        if self._task is not None and self._begun:
            self._task.cancel()  # a task that has not begun looks at the wish itself

    def _emit(self, event: Event) -> None:
        self._tell(self._env.secrets.redact_event(event))  # everybody hears of it from here

    async def _emit_kept(self, event: RunStarted | RunEnd) -> None:
        """Tell that the run begins or ends, once that is on the disk. It is waited for beside the
        loop: a disk that is slow, or held by another, would keep all other runs of it waiting."""
        event = self._env.secrets.redact_event(event)
        journal, stopped = self._env.journal, False
        if journal is None or journal not in self._sinks:
            self._tell(event)
            return
        begins, failures = isinstance(event, RunStarted), list[Exception]()

        def keep() -> None:
            try:
                journal(event)
            except Exception as error:
                failures.append(error)
            if self._hold is not None and not begins:
                self._hold.release()

        try:
            await whole_in_thread(keep)
        except asyncio.CancelledError:
            stopped = True
        if begins:
            self._tell(event, kept=journal)
        for error in failures:
            self._unrecorded(journal, error)
        if not begins:
            self._tell(event, kept=journal)
        elif stopped:
            raise asyncio.CancelledError

    def _tell(self, event: Event, kept: Sink | None = None) -> None:
        self._queue.append(event)
        self._news.set()
        if isinstance(event, NodeAsked):
            self._rest.listen()
        if self._env.trace is not None:
            with contextlib.suppress(Exception):  # nothing of a run depends on who looks on
                self._env.trace.event(event)
        for sink in tuple(self._sinks):
            if sink is kept:
                continue
            try:
                sink(event)
            except Exception as error:  # a full disk must not cost the results of a long run
                self._unrecorded(sink, error)

    def _unrecorded(self, sink: Sink, error: Exception) -> None:
        if sink in self._sinks:
            self._sinks.remove(sink)
        if self._env.journal is sink:
            self._env.journal.broken = True
        problem = explain(error, "", self._env.secrets)
        message = f"The run goes on but is no longer recorded. {problem.message}"
        self._emit(RunWarned(at=time.time(), run=self.id, message=message))

    async def _settle(self) -> None:
        """Have what was recorded on the disk, or say that it is not, before the run ends."""
        journal = self._env.journal
        if journal is None or journal.broken:
            return
        try:
            with contextlib.suppress(asyncio.CancelledError):  # it ends already
                await whole_in_thread(journal.log.settle)
        except Exception as error:
            self._unrecorded(journal, error)

    async def _main(self) -> None:
        opens = self.prepared.opens
        expecting = self._env.pool.expecting(opens) if opens else contextlib.nullcontext()
        async with self._hold.kept() if self._hold else contextlib.nullcontext():
            with expecting:
                await self._execute()

    async def _execute(self) -> None:
        started = time.perf_counter()
        execution = Execution(
            self._plan,
            self._env,
            self._given,
            self._emit,
            self._subflows,
            loop=self._loop,
        )

        async def end(kind: Any, **more: Any) -> None:
            seconds = time.perf_counter() - started
            await self._settle()
            await self._emit_kept(
                kind(at=time.time(), run=self.id, seconds=seconds, tokens=execution.tokens, **more)
            )

        if self._env.journal is not None:
            self._env.journal.log.hear_stop(self.cancel)
        self._rest.journal = self._env.journal
        try:
            await self._emit_kept(
                RunStarted(
                    at=time.time(),
                    run=self.id,
                    flow=self.flow.name,
                    inputs=self.inputs,
                    nodes=len(self._plan.steps),
                )
            )
            for note in self._notes:
                self._emit(RunWarned(at=time.time(), run=self.id, message=note))
            self._begun = True
            if self._rest.stop_asked:
                raise asyncio.CancelledError
            outputs = await self._outputs(execution, started)
            for node_id in self._only:
                outputs |= self._shown(node_id, execution)
            await end(RunFinished, outputs=outputs, failed=tuple(execution.failed))
        except asyncio.CancelledError:
            await end(RunCancelled)
        except Suspended as waits:
            if await self._rest.is_stopped_falling_asleep():
                await end(RunCancelled)
            else:
                await end(RunWaiting, questions=waits.questions)
        except StepError as error:
            await end(RunFailed, problem=error.problem)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # a defect of ours: say it rather than hang
            await end(RunFailed, problem=explain(_scheduler_error(error), "", self._env.secrets))
        finally:
            self._rest.end()
            if self._env.cache is not None and not self._env.cache.is_flushed:
                with contextlib.suppress(asyncio.CancelledError):  # it has ended
                    await whole_in_thread(self._env.cache.flush)

    async def _outputs(self, execution: Execution, started: float) -> dict[str, Any]:
        """The outputs. Goes on as long as there are answers to go on with.

        Raises:
            Suspended: the run sleeps, and its desk knows.
        """
        while True:
            try:
                return await execution.run()
            except Suspended as waits:
                event = RunWaiting(
                    at=time.time(),
                    run=self.id,
                    seconds=time.perf_counter() - started,
                    tokens=execution.tokens,
                    questions=waits.questions,
                )
                if not await self._rest.hear() and await self._rest.sleeps(event):
                    raise

    @property
    def environment(self) -> Environment:
        """What it gets from outside; another one may be given before it begins."""
        return self._env

    @environment.setter
    def environment(self, env: Environment) -> None:
        self._env = self._rest.env = env

    def _shown(self, node_id: str, execution: Execution) -> dict[str, Any]:
        """The visible outputs of a node that was asked for, under `node.port`."""
        if self.resolved.nodes[node_id].flow_output is not None:
            return {}
        return {f"{node_id}.{p}": v for p, v in execution.outputs_of(node_id).items()}


def _journal(sinks: tuple[Sink, ...], known: Journal | None) -> Journal | None:
    """The sink that keeps steps. Looked up by what it says, since most runs import none."""
    found: Any = (sink for sink in sinks if getattr(sink, "keeps_steps", False))
    return next(found, known)


def _scheduler_error(error: BaseException) -> SchedulerError:
    log.debug("the run broke", exc_info=error)
    if isinstance(error, SchedulerError):
        return error
    return SchedulerError(f"The run broke off: {said(error)}", cause=error)


def new_run_id() -> str:
    """A readable id that sorts by time."""
    return time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + stdlib_secrets.token_hex(3)
