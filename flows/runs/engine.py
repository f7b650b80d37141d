"""The engine: starts every node the moment its inputs exist, and says so in events.

There are no layers. When a node settles, those that waited for it alone begin. One that may wait
is a task; one that never does (`at_once`) is run in its turn without one. One failure stops what
depends on it and, unless the node is told to continue, the run. Cancelling the task of a run
cancels everything in it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextvars import copy_context
from typing import Any

from patchbay.flows.runs.arrivals import as_stored, check_arrival, checked
from patchbay.flows.runs.at_once import TURN, finished
from patchbay.flows.runs.context import SLOW_S, ItemTally, StepContext, Tally
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import (
    NO_TOKENS,
    Event,
    NodeFailed,
    NodeFinished,
    NodeRetrying,
    NodeSkipped,
    NodeStarted,
)
from patchbay.flows.runs.failures import SchedulerError, StepError, explain, may_retry, said
from patchbay.flows.runs.plan import (
    Absent,
    Delivered,
    Outcome,
    Plan,
    PlanStep,
    Skip,
    settle_inputs,
)
from patchbay.flows.runs.subflows import Subflows
from patchbay.nodes.context import IDEMPOTENCY_KEY, LANE
from patchbay.nodes.contract import InputField, NodeError, Ports
from patchbay.nodes.errors import Suspended, suspended
from patchbay.nodes.threads import in_thread
from patchbay.nodes.units import duration

log = logging.getLogger("patchbay")


class Execution:
    """One pass over a plan: of a whole run, or of a sub-flow inside it.

    Args:
        plan: what to run.
        env: everything from outside.
        given: values of the flow inputs, by name.
        emit: takes the events; None where nobody listens, and none are made.
        subflows: the flows that nodes run.
        prefix: the path of the node this runs inside, ending in `/`; empty at the top.
        depth: how many flows this one is inside of.
        condensed: whether all of it is one record, so that its nodes need keys only where they are
            reused or slow.
        loop: the one that it runs in, where that is known: to ask for it is a call of the system.
    """

    def __init__(
        self,
        plan: Plan,
        env: Environment,
        given: Mapping[str, Any],
        emit: Callable[[Event], None] | None,
        subflows: Subflows,
        prefix: str = "",
        depth: int = 0,
        condensed: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._loop = loop
        self._plan, self._env, self._given = plan, env, given
        self._emit, self._heard = emit or _nobody, emit is not None
        self._subflows, self._prefix, self._depth = subflows, prefix, depth
        self._condensed = condensed
        self._outcomes: dict[str, Outcome] = {}
        self._waiting = dict(plan.waiting)
        self._remaining = len(plan.steps)
        self._ready: deque[PlanStep] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._parked: dict[str, tuple[str, ...]] = {}
        """Steps that wait for people, with the ids of their questions."""
        self._done: asyncio.Future[None] | None = None
        """Set when no task is left, or when one broke; None where there are none."""
        self._begun = self._stopping = False
        self._queue: deque[tuple[PlanStep, Ports, int]] = deque()
        """Steps that never wait, what goes in, and how many tasks were begun before."""
        self._spawned = self._stepped = 0
        """How many tasks were begun, and how many of them have taken their first step."""
        self._apart = copy_context()
        """What a node sees of context variables: a path of its own, wherever it is started from."""
        self._apart.run(_own_path)
        self._inside: dict[str, Environment] = {}
        """What the flows that its nodes run get, by name."""
        self.failed: list[str] = []
        self.tokens = NO_TOKENS
        self.repeatable = True
        self.no_reuse = False
        """Whether something inside gave what must not be used again."""

    async def run(self) -> dict[str, Any]:
        """Run to the end and return the flow outputs. After a suspension it may be called again.

        Raises:
            StepError: a node failed and was not told to continue.
            Suspended: all that is left waits for people.
            SchedulerError: something broke between the nodes.
        """
        loop = self._loop = self._loop or asyncio.get_running_loop()
        self._stopping, self._done = False, None
        desk = self._env.desk
        if desk is not None:
            desk.listeners.add(self._wake)
        try:
            if not self._begun:
                self._begun = True
                self._ready.extend(self._plan.roots)
            self._unpark()
            await self._go_on()
            while (done := self._pending()) is not None:
                await done
                self._done = loop.create_future() if self._tasks else None
        except (StepError, SchedulerError):
            raise
        except Exception as error:
            raise SchedulerError(f"Between the nodes: {said(error)}", cause=error) from error
        finally:
            self._stopping = True
            if desk is not None:
                desk.listeners.discard(self._wake)
            done = self._pending()
            if done is not None and not done.cancel() and not done.cancelled():
                done.exception()  # of several that broke, one is raised
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._parked:
            questions = (q for asked in self._parked.values() for q in asked)
            raise Suspended(tuple(dict.fromkeys(questions)))
        if self._remaining:
            left = [step_id for step_id in self._plan.steps if step_id not in self._outcomes]
            raise SchedulerError(f"These nodes never ended: {', '.join(left)}.")
        return self._flow_outputs()

    def _pending(self) -> asyncio.Future[None] | None:
        return self._done

    def outputs_of(self, node_id: str) -> dict[str, Any]:
        """What a node gave; empty when it gave nothing."""
        outcome = self._outcomes.get(node_id)
        return outcome.outputs if isinstance(outcome, Delivered) else {}

    def _flow_outputs(self) -> dict[str, Any]:
        found = {}
        for step in self._plan.steps.values():
            if step.flow_output and "value" in (outputs := self.outputs_of(step.id)):
                found[step.flow_output] = outputs["value"]
        return found

    # --- scheduling -------------------------------------------------------------------------

    async def _go_on(self) -> None:
        """Begin what is ready, until nothing is that never waits.

        Each has its turn as tasks have: after those that were begun before.
        """
        self._begin_ready()
        while self._queue and not self._stopping:
            step, inputs, begun = self._queue[0]
            if begun > self._stepped or (TURN.is_over() and self._spawned == self._stepped):
                begun = self._spawned
                await asyncio.sleep(0)
                self._stepped = max(self._stepped, begun)
                TURN.begin()
                continue
            self._queue.popleft()
            self._apart.copy().run(finished, self._work(step, inputs))
            self._begin_ready()

    def _begin_ready(self) -> None:
        while self._ready and not self._stopping:
            step = self._ready.popleft()
            try:
                inputs = settle_inputs(step, self._outcomes)
            except Exception as error:
                what = f"It could not be begun: {said(error)}"
                raise SchedulerError(what, self._prefix + step.id, error) from error
            if isinstance(inputs, Skip):
                self._skip(step, inputs.reason)
            elif step.at_once:
                self._queue.append((step, inputs, self._spawned))
            else:
                self._spawned += 1
                self._spawn(self._task(step, inputs, self._spawned), self._prefix + step.id)

    async def _task(self, step: PlanStep, inputs: Ports, number: int) -> None:
        """The whole of a node that may wait, and of those that become ready by it."""
        self._stepped = max(self._stepped, number)
        _own_path()
        await self._work(step, inputs)
        await self._go_on()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        loop = self._loop = self._loop or asyncio.get_running_loop()
        if self._done is None:
            self._done = loop.create_future()
        task = loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _park(self, step: PlanStep, waits: Suspended) -> None:
        """The step waits for people; unless one has answered while others in it still worked."""
        self._parked[step.id] = waits.questions
        self._unpark()

    def _wake(self) -> None:
        """Begin anew what waited for an answer that is there: called when there are some."""
        self._unpark()
        self._begin_ready()
        if self._queue:
            self._spawn(self._go_on(), self._prefix)

    def _unpark(self) -> None:
        """Make ready what waited for an answer that is there."""
        desk = self._env.desk
        for step_id, questions in tuple(self._parked.items()):
            if desk is not None and any(desk.answer_to(question) for question in questions):
                del self._parked[step_id]
                self._ready.append(self._plan.steps[step_id])

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A node's task is over. Whatever it raised, and wherever, ends the run."""
        try:
            self._tasks.discard(task)
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, (StepError, SchedulerError)):
                error = SchedulerError(f"It broke off: {said(error)}", task.get_name(), error)
            if self._done is None or self._done.done():
                return
            if error is not None:
                self._done.set_exception(error)
            elif not self._tasks:
                self._done.set_result(None)
        except BaseException as defect:  # here nobody else would hear of it, and the run would hang
            if self._done is not None and not self._done.done():
                self._done.set_exception(defect)

    def _settle(self, step: PlanStep, outcome: Outcome) -> None:
        self._outcomes[step.id] = outcome
        self._remaining -= 1
        for dependent in step.dependents:
            self._waiting[dependent] -= 1
            if self._waiting[dependent] == 0:
                self._ready.append(self._plan.steps[dependent])

    def _skip(self, step: PlanStep, reason: str) -> None:
        if self._heard:
            path = self._prefix + step.id
            self._emit(NodeSkipped(at=time.time(), node=path, reason=reason))
        self._settle(step, Absent(reason))

    # --- one node ---------------------------------------------------------------------------

    async def _work(self, step: PlanStep, inputs: Ports) -> None:
        path = self._prefix + step.id
        started = time.perf_counter()
        ctx = StepContext(
            path,
            self._env,
            self._emit,
            self._given,
            self._run_subflow,
            self._asks,
            step.cls,
            self._subflows.digest,
            self._loop,
        )
        try:
            outcome: Outcome = Delivered(await self._deliver(step, inputs, ctx, started))
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # also what is no `Exception`: a panic in Rust, sys.exit()
            if self._stopping and isinstance(error, asyncio.CancelledError):
                raise
            if waits := suspended(error):
                return self._park(step, waits)
            ctx.failed(error)
            outcome = self._fail(step, path, inputs, started, error)
        finally:
            if ctx.tokens is not NO_TOKENS:
                self.tokens += ctx.tokens
        if not self._stopping:
            self._settle(step, outcome)

    async def _deliver(
        self, step: PlanStep, inputs: Ports, ctx: StepContext, started: float
    ) -> dict[str, Any]:
        desk = self._env.desk
        if step.reads_files:
            self.repeatable = False  # a flow around this one does not know of the files
        unkept = step.at_once and not self._env.keeps_quick
        if unkept or (not self._env.keyed and (desk is None or not desk.expected)):
            return await self._made(step, inputs, ctx, started, "", self._reusable(step, inputs))
        keyed = not self._condensed or self._env.cache is not None or bool(self._env.stored)
        keyed = keyed or (desk is not None and desk.expected)  # what is done is asked for again
        key = await self._key(step, inputs) if keyed else ""
        stored = self._env.stored.get(ctx.path)
        if stored is not None and stored.key == key:
            known = as_stored(step, stored.outputs)
            if known is not None:
                return self._finished(ctx, started, known, key, "resumed")
        reusable = self._reusable(step, inputs)
        if key and reusable and self._env.cache is not None:
            found = self._env.cache.get(key)
            known = as_stored(step, found)
            if known is not None:
                return self._finished(ctx, started, known, key, "cache")
            if found is not None:
                self._env.cache.drop(key)
        return await self._made(step, inputs, ctx, started, key, reusable, late=not keyed)

    async def _made(
        self,
        step: PlanStep,
        inputs: Ports,
        ctx: StepContext,
        started: float,
        key: str,
        reusable: bool,
        late: bool = False,
    ) -> dict[str, Any]:
        """Run the node, keep what it gave. `late`: its key is made only if it was slow."""
        outputs = await self._attempts(step, inputs, ctx)
        ctx.flush()
        pinned = step.policy.cache == "always"
        if ctx.no_reuse or not (reusable and ctx.repeatable):
            self.repeatable = False
        self.no_reuse = self.no_reuse or ctx.no_reuse
        kept = outputs and reusable and (ctx.repeatable or pinned) and not ctx.no_reuse
        if key and kept and self._env.cache is not None:
            self._env.cache.put(key, outputs)
        if late and time.perf_counter() - started >= SLOW_S:
            key = await self._key(step, inputs)
        return self._finished(ctx, started, outputs, key, "run")

    def _finished(
        self, ctx: StepContext, started: float, outputs: dict[str, Any], key: str, source: Any
    ) -> dict[str, Any]:
        if not self._heard:
            return outputs
        self._emit(
            NodeFinished(
                at=time.time(),
                node=ctx.path,
                seconds=time.perf_counter() - started,
                source=source,
                tokens=ctx.tokens,
                outputs=outputs,
                key=key,
            )
        )
        return outputs

    async def _attempts(self, step: PlanStep, inputs: Ports, ctx: StepContext) -> dict[str, Any]:
        policy = step.policy
        attempt = 1
        while True:
            if self._heard:
                self._emit(NodeStarted(at=time.time(), node=ctx.path, attempt=attempt))
            try:
                return await self._attempt(step, inputs, ctx)
            except Exception as error:
                if attempt > policy.retries or not may_retry(error):
                    raise
                wait = policy.backoff_s * 2 ** (attempt - 1)
                problem = explain(error, ctx.path, self._env.secrets)
                ctx.failed(error)
            ctx.discard()
            self._emit(
                NodeRetrying(
                    at=time.time(), node=ctx.path, attempt=attempt, wait_s=wait, problem=problem
                )
            )
            await asyncio.sleep(wait)
            attempt += 1

    async def _attempt(self, step: PlanStep, inputs: Ports, ctx: StepContext) -> dict[str, Any]:
        for port in step.unproven:
            check_arrival(step, port, inputs)
        limit = step.policy.timeout_s
        if limit is None:
            result = await step.cls().run(inputs, step.params, ctx)
        else:
            result = await _within(limit, step, inputs, ctx)
        return self._env.secrets.redact(checked(step, result))  # type: ignore[no-any-return]

    def _fail(
        self, step: PlanStep, path: str, inputs: Ports, started: float, error: BaseException
    ) -> Absent:
        """Say that a node failed. Raises `StepError` unless the run goes on without it."""
        log.debug("%s failed", path, exc_info=error)
        problem = explain(error, path, self._env.secrets)
        self._emit(
            NodeFailed(
                at=time.time(),
                node=path,
                seconds=time.perf_counter() - started,
                problem=problem,
                inputs=self._env.secrets.redact(inputs.as_dict()),
            )
        )
        self.repeatable = False
        if step.policy.on_error == "continue":
            self.failed.append(path)
        elif not self._stopping:
            self._stopping = True
            raise StepError(problem) from error
        return Absent(f"it failed: {problem.message}")

    # --- reuse ------------------------------------------------------------------------------

    async def _key(self, step: PlanStep, inputs: Ports) -> str:
        if not self._env.keyed:
            return ""
        from patchbay.flows.runs.keys import node_key  # many runs ask for none

        extra: dict[str, Any] = {}
        if step.flow_input is not None:
            extra["given"] = self._given.get(step.flow_input.name)
        try:
            for name in step.subflows:
                extra[f"flow {name}"] = self._subflows.digest(name)
            if step.reads_files:
                content = await in_thread(step.cls.content, step.params, self._env.folder)
                extra["content"] = content
            return node_key(step.cls, step.params, inputs, extra)
        except NodeError:
            return ""  # what cannot be known cannot be reused; the node itself will say why

    def _reusable(self, step: PlanStep, inputs: Ports) -> bool:
        if step.policy.cache != "auto":
            return step.policy.cache == "always"
        return step.cls.repeatable(step.params, inputs)

    # --- flows inside flows -----------------------------------------------------------------

    def _asks(self, flow: str) -> tuple[InputField, ...]:
        return self._subflows.open(flow, self._depth + 1).asks()

    async def _run_subflow(
        self, ctx: Tally, flow: str, inputs: Mapping[str, Any], path: str
    ) -> dict[str, Any]:
        sub = self._subflows.open(flow, self._depth + 1)
        env = self._inside.get(flow)
        if env is None:
            env = self._inside[flow] = sub.environment(self._env)
        inner = Execution(
            sub.plan,
            env,
            sub.accept(inputs),
            self._emit if self._heard else None,
            sub.subflows,
            prefix=path + "/",
            depth=self._depth + 1,
            condensed=self._condensed or isinstance(ctx, ItemTally),
            loop=self._loop,
        )
        try:
            return await inner.run()
        except StepError as error:
            raise NodeError(
                f'In the flow "{flow}", {error.problem.place}: {error.problem.message}',
                fix=error.problem.fix,
                code=error.problem.code,
                retry=False,
            ) from error
        finally:
            if inner.tokens is not NO_TOKENS:
                ctx.tokens += inner.tokens
            ctx.repeatable = ctx.repeatable and inner.repeatable
            ctx.no_reuse = ctx.no_reuse or inner.no_reuse


def _nobody(_event: Event) -> None:
    """Takes the events of a run that nobody follows."""


def _own_path() -> None:
    """Begin a path of lanes and steps, as every node does."""
    LANE.set(())
    IDEMPOTENCY_KEY.set("")


async def _within(limit: float, step: PlanStep, inputs: Ports, ctx: StepContext) -> Ports:
    try:
        async with asyncio.timeout(limit) as scope:
            return await step.cls().run(inputs, step.params, ctx)
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise TimeoutError(f"It took longer than {duration(limit)}.") from error
