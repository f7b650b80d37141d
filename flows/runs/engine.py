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

from patchbay.flows.runs.at_once import TURN, finished
from patchbay.flows.runs.context import ItemTally, Tally
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import NO_TOKENS, Event, NodeSkipped, Tokens
from patchbay.flows.runs.failures import SchedulerError, StepError, said
from patchbay.flows.runs.node_work import NodeWork
from patchbay.flows.runs.plan import (
    Absent,
    Delivered,
    Outcome,
    Plan,
    PlanStep,
    Skip,
    settle_inputs,
)
from patchbay.flows.runs.subflows import Subflows, item_failed
from patchbay.nodes.context import IDEMPOTENCY_KEY, LANE
from patchbay.nodes.contract import InputField, Ports
from patchbay.nodes.errors import Suspended
from patchbay.nodes.threads import in_thread

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
        quiet: whether nothing is told of nodes that go as they should.
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
        quiet: bool = False,
    ) -> None:
        self._loop = loop
        self._plan, self._env, self._prefix, self._depth = plan, env, prefix, depth
        self._subflows, self._condensed = subflows, condensed
        self._nodes = NodeWork(
            env, given, emit, subflows, prefix, condensed, self._run_subflow, self._asks, quiet
        )
        self._outcomes: dict[str, Outcome] = {}
        self._waiting = dict(plan.waiting)
        self._remaining = len(plan.steps)
        self._ready: deque[PlanStep] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._parked: dict[str, tuple[str, ...]] = {}
        """Steps that wait for people, with the ids of their questions."""
        self._done: asyncio.Future[None] | None = None
        """Set when no task is left, or when one broke; None where there are none."""
        self._begun = False
        self._queue: deque[tuple[PlanStep, Ports, int]] = deque()
        """Steps that never wait, what goes in, and how many tasks were begun before."""
        self._spawned = self._stepped = 0
        """How many tasks were begun, and how many of them have taken their first step."""
        self._apart = copy_context()
        """What a node sees of context variables: a path of its own, wherever it is started from."""
        self._apart.run(_own_path)
        self._inside: dict[str, Environment] = {}
        """What the flows that its nodes run get, by name."""

    async def run(self) -> dict[str, Any]:
        """Run to the end and return the flow outputs. After a suspension it may be called again.

        Raises:
            StepError: a node failed and was not told to continue.
            Suspended: all that is left waits for people.
            SchedulerError: something broke between the nodes.
        """
        loop = self._loop = self._loop or asyncio.get_running_loop()
        self._nodes.loop, self._nodes.stopping, self._done = loop, False, None
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
            self._nodes.stopping = True
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

    @property
    def tokens(self) -> Tokens:
        """What its models have used."""
        return self._nodes.tokens

    @property
    def repeatable(self) -> bool:
        """Whether all that ran gives the same next time."""
        return self._nodes.repeatable

    @property
    def no_reuse(self) -> bool:
        """Whether something inside gave what must not be used again."""
        return self._nodes.no_reuse

    @property
    def failed(self) -> list[str]:
        """The paths of the nodes that failed and were told to continue."""
        return self._nodes.failed

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
        while self._queue and not self._nodes.stopping:
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
        while self._ready and not self._nodes.stopping:
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

    async def _work(self, step: PlanStep, inputs: Ports) -> None:
        outcome = await self._nodes.outcome(step, inputs)
        if isinstance(outcome, Suspended):
            self._park(step, outcome)
        elif not self._nodes.stopping:
            self._settle(step, outcome)

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
        if self._nodes.heard:
            path = self._prefix + step.id
            self._nodes.emit(NodeSkipped(at=time.time(), node=path, reason=reason))
        self._settle(step, Absent(reason))

    # --- flows inside flows -----------------------------------------------------------------

    def _asks(self, flow: str) -> tuple[InputField, ...]:
        return self._subflows.open(flow, self._depth + 1).asks()

    async def _run_subflow(
        self, ctx: Tally, flow: str, inputs: Mapping[str, Any], path: str
    ) -> dict[str, Any]:
        sub = self._subflows.opened(flow, self._depth + 1)
        if sub is None:
            sub = await in_thread(self._subflows.open, flow, self._depth + 1)
        if (far := self._env.elsewhere) is not None and getattr(ctx, "path", None) != path:
            from patchbay.flows.runs.elsewhere import run_item

            if not sub.asks_people:
                digest, person = self._subflows.digest(flow), self._env.person
                return await run_item(far, ctx, flow, sub, digest, inputs, person)
        env = self._inside.get(flow)
        if env is None:
            env = self._inside[flow] = sub.environment(self._env)
        inner = Execution(
            sub.plan,
            env,
            sub.accept(inputs),
            self._nodes.emit if self._nodes.listened else None,
            sub.subflows,
            prefix=path + "/",
            depth=self._depth + 1,
            condensed=self._condensed or isinstance(ctx, ItemTally),
            loop=self._loop,
            quiet=not self._nodes.heard,
        )
        try:
            return await inner.run()
        except StepError as error:
            raise item_failed(flow, error.problem) from error
        finally:
            inside = inner._nodes
            if inside.tokens is not NO_TOKENS:
                ctx.tokens += inside.tokens
            ctx.repeatable = ctx.repeatable and inside.repeatable
            ctx.no_reuse = ctx.no_reuse or inside.no_reuse


def _own_path() -> None:
    """Begin a path of lanes and steps, as every node does."""
    LANE.set(())
    IDEMPOTENCY_KEY.set("")
