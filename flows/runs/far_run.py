"""A run whose whole work is done elsewhere, for whoever follows runs by their events.

What its nodes did is told when it has ended. It is not recorded, asks nobody and is no turn of a
conversation: such runs are made here, and only their models and the items of their loops go away.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import (
    NO_TOKENS,
    Event,
    RunCancelled,
    RunEnd,
    RunFailed,
    RunFinished,
    RunStarted,
    Tokens,
)
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.inputs import accept
from patchbay.flows.runs.running import LoadedFlow
from patchbay.flows.runs.subflows import Prepared


class FarRun:
    """One run of a flow, made where `env.elsewhere` says. See `patchbay.flows.runs.running.Run`.

    Args:
        flow: what to run.
        digest: what tells it apart from others, the flows that it runs included.
        inputs: values of the flow inputs, by name; from afar, so that no text names a file.
        env: everything from outside.
        run_id: the id of the run.
        prepared: the flow, checked and planned.

    Raises:
        FlowError: the inputs do not fit. Nothing has been run.
    """

    thread = ""

    def __init__(
        self,
        flow: LoadedFlow,
        digest: str,
        inputs: Mapping[str, Any],
        env: Environment,
        run_id: str,
        prepared: Prepared,
    ) -> None:
        assert env.elsewhere is not None  # noqa: S101 - whoever makes one has looked
        self.id, self._flow, self._digest = run_id, flow, digest
        self._env, self._far = env, env.elsewhere
        self._nodes = len(prepared.plan.steps)
        accept(prepared.resolved, inputs, prepared.plan.steps, from_person=False)
        self._inputs = dict(inputs)
        env.secrets.know(prepared.secrets)
        self._tokens: Tokens = NO_TOKENS
        self._heard: list[Event] = []
        self._task: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_asked = False

    def cancel(self) -> None:
        """Stop the run; its last event will be `run_cancelled`. May be called from any thread."""
        self._stop_asked = True
        if self._loop is not None and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)

    def nudge(self) -> None:
        """Somebody has answered: not here, it asks nobody."""

    async def events(self) -> AsyncGenerator[Event, None]:
        """Start the run and yield its events, to the one that says how it ended.

        Leaving the loop early stops the run.
        """
        redact, begun = self._env.secrets.redact_event, time.perf_counter()
        yield redact(
            RunStarted(
                at=time.time(), run=self.id, flow=self._flow.flow.name, inputs=self._inputs,
                nodes=self._nodes,
            )
        )  # fmt: skip
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._ended(begun))
        try:
            if self._stop_asked:
                self._task.cancel()
            await asyncio.wait([self._task])
        finally:
            self._task.cancel()
        end = self._cancelled(begun) if self._task.cancelled() else self._task.result()
        for event in self._heard:
            yield event  # without secrets: they were blacked out there
        yield redact(end)

    async def _ended(self, begun: float) -> RunEnd:
        def spent(tokens: Tokens) -> None:
            self._tokens += tokens

        try:
            given = await self._far.run(
                self._flow, self._digest, self._inputs, person=self._env.person, alone=True,
                hear=self._heard.append, spent=spent,
            )  # fmt: skip
        except RunError as error:
            return RunFailed(problem=error.problem, **self._took(begun))
        except FlowError as error:
            return RunFailed(problem=error.problems[0], **self._took(begun))
        return RunFinished(outputs=given.outputs, failed=given.failed, **self._took(begun))

    def _cancelled(self, begun: float) -> RunCancelled:
        return RunCancelled(**self._took(begun))

    def _took(self, begun: float) -> dict[str, Any]:
        seconds = time.perf_counter() - begun
        return {"at": time.time(), "run": self.id, "seconds": seconds, "tokens": self._tokens}
