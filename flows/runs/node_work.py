"""What is done for one node: its result is found again or made, tried anew, and told in events."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from patchbay.flows.runs.arrivals import as_stored, check_arrival, checked
from patchbay.flows.runs.cache import Cache, CacheHeldError
from patchbay.flows.runs.context import SLOW_S, StepContext
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import (
    NO_TOKENS,
    Event,
    NodeFailed,
    NodeFinished,
    NodeRetrying,
    NodeStarted,
    NodeStopped,
)
from patchbay.flows.runs.failures import StepError, explain, may_retry
from patchbay.flows.runs.plan import Absent, Delivered, Outcome, PlanStep
from patchbay.flows.runs.subflows import Subflows
from patchbay.nodes.contract import InputField, NodeError, Ports
from patchbay.nodes.errors import Suspended, suspended
from patchbay.nodes.threads import in_thread
from patchbay.nodes.units import duration

log = logging.getLogger("patchbay")

PINNED = "pinned"
"""The key of a result that somebody has pinned: it has none of its own."""


class NodeWork:
    """Runs the nodes of one pass over a plan, each when the engine says so.

    Args:
        env: everything from outside.
        given: values of the flow inputs, by name.
        emit: takes the events; None where nobody listens, and none are made.
        subflows: the flows that nodes run.
        prefix: the path of the node this runs inside, ending in `/`; empty at the top.
        condensed: whether all of it is one record, so that its nodes need keys only where they are
            reused or slow.
        run_flow: runs a flow for a node.
        asks: what a flow asks for.
        quiet: whether nothing is told of nodes that go as they should.
    """

    def __init__(
        self,
        env: Environment,
        given: Mapping[str, Any],
        emit: Callable[[Event], None] | None,
        subflows: Subflows,
        prefix: str,
        condensed: bool,
        run_flow: Callable[..., Any],
        asks: Callable[[str], tuple[InputField, ...]],
        quiet: bool,
    ) -> None:
        self.emit, self.listened = emit or _nobody, emit is not None
        self.heard = self.listened and not quiet
        self.loop: asyncio.AbstractEventLoop | None = None
        self.stopping = False
        """Whether the pass is being taken down: then a node that is cancelled has not failed."""
        self.failed: list[str] = []
        self.tokens = NO_TOKENS
        self.repeatable = True
        self.no_reuse = False
        """Whether something inside gave what must not be used again."""
        self._env, self._given, self._subflows = env, given, subflows
        self._prefix, self._condensed = prefix, condensed
        self._run_flow, self._asks = run_flow, asks

    async def outcome(self, step: PlanStep, inputs: Ports) -> Outcome | Suspended:
        """What came of a node, or that it waits for people.

        Raises:
            StepError: it failed, and the pass does not go on without it.
        """
        path = self._prefix + step.id
        started = time.perf_counter()
        ctx = StepContext(
            path,
            self._env,
            self.emit,
            self._given,
            self._run_flow,
            self._asks,
            step.cls,
            self._subflows.digest,
            self.loop,
        )
        try:
            return Delivered(await self._deliver(step, inputs, ctx, started))
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # also what is no `Exception`: a panic in Rust, sys.exit()
            if self.stopping and isinstance(error, asyncio.CancelledError):
                self._stopped(step, ctx, started)
                raise
            if waits := suspended(error):
                return waits
            ctx.failed(error)
            return self._fail(step, path, inputs, started, error)
        finally:
            if ctx.tokens is not NO_TOKENS:
                self.tokens += ctx.tokens

    async def _deliver(
        self, step: PlanStep, inputs: Ports, ctx: StepContext, started: float
    ) -> dict[str, Any]:
        if step.pinned:
            return self._pinned(step, ctx, started)
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
        if key and reusable and (cache := self._env.cache) is not None:
            found = await self._kept(cache, step, key)
            known = as_stored(step, found)
            if known is not None:
                return self._finished(ctx, started, known, key, "cache")
            if found is not None:
                cache.drop(key)
        return await self._made(step, inputs, ctx, started, key, reusable, late=not keyed)

    def _pinned(self, step: PlanStep, ctx: StepContext, started: float) -> dict[str, Any]:
        known = as_stored(step, dict(self._env.pinned[step.id]))
        if known is None:
            raise NodeError(
                "The pinned value is no longer of the types that the node gives.",
                fix="Let the node run again, or pin it anew.",
                code="node/pinned",
                retry=False,
            )
        source = "resumed" if ctx.path in self._env.stored else "pinned"
        return self._finished(ctx, started, known, PINNED, source)

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
        if step.policy.retries:
            outputs = await self._attempts(step, inputs, ctx)
        else:
            if self.heard:
                self.emit(NodeStarted(at=time.time(), node=ctx.path, attempt=1))
            outputs = await self._attempt(step, inputs, ctx)
        ctx.flush()
        if ctx.no_reuse or not (reusable and ctx.repeatable):
            self.repeatable = False
        self.no_reuse = self.no_reuse or ctx.no_reuse
        always = step.policy.cache == "always"
        kept = outputs and reusable and (ctx.repeatable or always) and not ctx.no_reuse
        if key and kept and self._env.cache is not None:
            self._env.cache.put(key, outputs)
        if late and time.perf_counter() - started >= SLOW_S:
            key = await self._key(step, inputs)
        return self._finished(ctx, started, outputs, key, "run")

    def _finished(
        self, ctx: StepContext, started: float, outputs: dict[str, Any], key: str, source: Any
    ) -> dict[str, Any]:
        if not self.heard:
            return outputs
        self.emit(
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
            if self.heard:
                self.emit(NodeStarted(at=time.time(), node=ctx.path, attempt=attempt))
            try:
                return await self._attempt(step, inputs, ctx)
            except Exception as error:
                if attempt > policy.retries or not may_retry(error):
                    raise
                wait = policy.backoff_s * 2 ** (attempt - 1)
                problem = explain(error, ctx.path, self._env.secrets)
                ctx.failed(error)
            ctx.discard()
            self.emit(
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
        self.emit(
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
        elif not self.stopping:
            self.stopping = True
            raise StepError(problem) from error
        return Absent(f"it failed: {problem.message}")

    def _stopped(self, step: PlanStep, ctx: StepContext, started: float) -> None:
        """Keep what a node has come to that is stopped at work, where it can say so."""
        if ctx.come_about is None or not self.heard:
            return
        try:
            outputs = self._env.secrets.redact(checked(step, ctx.come_about()))
        except Exception as error:  # the run ends as it was told to all the same
            log.debug("%s could not say what had come about", ctx.path, exc_info=error)
            return
        place = f", {ctx.place}" if ctx.place else ""
        self.emit(
            NodeStopped(
                at=time.time(),
                node=ctx.path,
                seconds=time.perf_counter() - started,
                tokens=ctx.tokens,
                message=f"Stopped{place}. What had come about by then is kept.",
                outputs=outputs,
            )
        )

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

    async def _kept(self, cache: Cache, step: PlanStep, key: str) -> dict[str, Any] | None:
        """What the cache holds; a node that never waits does not wait for it either."""
        try:
            return cache.get(key, wait=False)
        except CacheHeldError:
            return None if step.at_once else await in_thread(cache.get, key)

    def _reusable(self, step: PlanStep, inputs: Ports) -> bool:
        if step.policy.cache != "auto":
            return step.policy.cache == "always"
        return step.cls.repeatable(step.params, inputs)


def _nobody(_event: Event) -> None:
    """Takes the events of a run that nobody follows."""


async def _within(limit: float, step: PlanStep, inputs: Ports, ctx: StepContext) -> Ports:
    try:
        async with asyncio.timeout(limit) as scope:
            return await step.cls().run(inputs, step.params, ctx)
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise TimeoutError(f"It took longer than {duration(limit)}.") from error
