"""A run that this server has at work, or had: its events, who follows it, how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.events import (
    Event,
    NodeWarned,
    RunCancelled,
    RunEnd,
    RunFailed,
    RunFinished,
    RunStarted,
    RunWaiting,
    RunWarned,
    Tokens,
)
from patchbay.flows.runs.prices import prices_or_none
from patchbay.flows.server.core.keys import Caller
from patchbay.flows.server.core.refusals import status_of, too_long
from patchbay.flows.server.core.told import SentEvent, shows_models, told, weight_of, without_models
from patchbay.nodes.context import unread
from patchbay.nodes.values import encode

if TYPE_CHECKING:
    from patchbay.flows.runs.far_run import FarRun
    from patchbay.flows.runs.running import Run
    from patchbay.flows.server.core.admission import RunPlace
    from patchbay.flows.server.core.settings import Settings
    from patchbay.flows.server.core.shelf import ServedFlow
    from patchbay.flows.traces.run_trace import RunTrace
    from patchbay.flows.traces.trace_parent import TraceParent

log = logging.getLogger("patchbay.serve")

RunState = Literal["queued", "running", "waiting", "finished", "failed", "cancelled"]
Begin = Callable[[], Awaitable["Run | FarRun"]]
_MOST_WARNINGS = 50
_THREAD_EVERY_S = 0.25


class ServedRun:
    """One run in this server. Its work is a task of its own, which holds the slot: whoever reads
    along may leave at any time.

    Args:
        id: the id of the run.
        flow: the version of the flow that it runs.
        caller: whose it is.
        settings: the limits.
        follow: whether its events are kept for readers.
        record: whether it is in the history.
        epoch: tells the numbers of its events from those of another start of the server, or of this
            run before it was forgotten here.
    """

    def __init__(
        self,
        id: str,
        flow: ServedFlow,
        caller: Caller,
        settings: Settings,
        *,
        follow: bool = True,
        record: bool = False,
        epoch: str = "",
    ) -> None:
        self.id, self.flow, self.caller, self.settings = id, flow, caller, settings
        self.follow, self.record, self.epoch = follow, record, epoch
        self.status: RunState = "queued"
        self.events: list[SentEvent] = []
        self.outputs: dict[str, Any] = {}
        self.problem: Problem | None = None
        self.more: tuple[Problem, ...] = ()
        self.seconds, self.tokens = 0.0, Tokens()
        self.thread = ""
        self.warnings: list[str] = []
        self.readers = 0
        self.began = False
        self.read_along = True
        """Whether somebody may read answers of models while they are written."""
        self.rests = False
        """Whether it is stopped when nobody reads, after a rest."""
        self.begun_at = time.time()
        self.ended_at: float | None = None
        self.run: Run | FarRun | None = None
        self.place: TraceParent | None = None
        """Its place in a trace: its own, or its caller's where nobody traces it."""
        self.trace: RunTrace | None = None
        self.task: asyncio.Task[None] | None = None
        self.chat = ""
        """What a client calls the conversation that it belongs to."""
        self.hear: Callable[[Event], None] | None = None
        """Is told of every event as it is, before anybody else."""
        self._news: set[asyncio.Event] = set()
        self.weight = 0
        """About how many characters its events hold."""
        self._before = (0.0, Tokens())
        self._stopped: Problem | None = None
        self._rest: asyncio.TimerHandle | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens unless somebody does something."""
        return self.status not in ("queued", "running")

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every answer about it."""
        place = {} if self.place is None else {"traceparent": self.place.header()}
        return {"x-run-id": self.id, **place}

    def start(self, begin: Begin, turn: RunPlace, done: Callable[[ServedRun], None]) -> None:
        """Work: wait for the turn, begin, go to the end. `done` is called then, whatever it was."""
        self.status, self.began = "queued", False
        self._before = (self.seconds, self.tokens)
        self.ended_at = self._stopped = None
        self.task = asyncio.get_running_loop().create_task(self._work(begin, turn))

        def over(_: object) -> None:
            turn.leave()
            self._end()
            done(self)

        self.task.add_done_callback(over)
        self._left()

    def stop(self, why: Problem | None = None) -> None:
        """Stop it. Its last event says so."""
        if self.ended:
            return
        self._stopped = self._stopped or why
        if self.run is not None:
            self.run.cancel()
        elif self.task is not None:
            self.task.cancel()

    @property
    def part(self) -> tuple[float, Tokens]:
        """Seconds and tokens since it was last begun or gone on with: one that waited for a person
        has been charged for what came before."""
        seconds, tokens = self._before
        return self.seconds - seconds, self.tokens.since(tokens)

    async def settled(self) -> None:
        """Wait until it has ended."""
        if self.task is not None:
            await asyncio.wait([self.task])

    # --- work ---------------------------------------------------------------------------------

    async def _work(self, begin: Begin, turn: RunPlace) -> None:
        try:
            self.run = run = await self._begun(begin, turn)
            self.began = True
            self.status, self.thread = "running", run.thread
            late = self._alarm()
            try:
                with contextlib.nullcontext() if self.read_along else unread():
                    async with contextlib.aclosing(run.events()) as events:
                        async for event in events:
                            self._take(event)
            finally:
                late.cancel()
        except FlowError as error:
            first, *others = error.problems
            self._failed(first, tuple(others))
        except asyncio.CancelledError:
            self._cancelled()
        except Exception as error:
            log.exception("run %s broke", self.id)
            self._failed(Problem("run/defect", f"The run broke off: {error}"))
        finally:
            self.run = None

    async def _begun(self, begin: Begin, turn: RunPlace) -> Run | FarRun:
        """Begin, when the turn has come and its thread is free. Who waits for a thread, perhaps
        for as long as its run waits for a person, holds no slot meanwhile."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.settings.timeout_s
        while True:
            await turn.come()
            self.begun_at = time.time()
            try:
                return await begin()
            except FlowError as error:
                busy = error.problems[0].code == "thread/busy"
                if not busy or loop.time() >= until or not await turn.step_aside():
                    raise
            await asyncio.sleep(_THREAD_EVERY_S)
            await turn.come_back()

    def _alarm(self) -> asyncio.TimerHandle:
        loop, limit = asyncio.get_running_loop(), self.settings.timeout_s
        return loop.call_later(limit, lambda: self.stop(too_long(limit)))

    def _take(self, event: Event) -> None:
        if self.hear is not None:
            self.hear(event)
        if isinstance(event, RunEnd):
            self._ended_as(event)
        else:
            self.heed(event)
        if isinstance(event, RunCancelled) and self._stopped is not None:
            self._add(self._failure())
        elif self.follow:
            data = told(event, self.flow.streams, self.settings.values)
            if data is not None:
                data = self._as_told(data)
                if isinstance(event, RunStarted) and self.thread:
                    data["thread"] = self.thread
                self._add(data)

    def heed(self, event: Event) -> None:
        """Keep what an event warns of, for whoever hears only how it ended."""
        if isinstance(event, (NodeWarned, RunWarned)) and len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(event.message)

    def _ended_as(self, event: RunEnd) -> None:
        self.seconds, self.tokens = self.seconds + event.seconds, self.tokens + event.tokens
        match event:
            case RunFinished():
                self.status, self.outputs = "finished", event.outputs
            case RunFailed():
                self.status, self.problem = "failed", event.problem
            case RunWaiting():
                self.status = "waiting"
            case RunCancelled():
                stopped = self._stopped
                self.status = "cancelled" if stopped is None else "failed"
                self.problem = stopped

    def _failed(self, problem: Problem, more: tuple[Problem, ...] = ()) -> None:
        if self.ended and self.status != "queued":
            return
        self.status, self.problem, self.more = "failed", problem, more
        self._add(self._failure())

    def _cancelled(self) -> None:
        if not self.ended:
            if self._stopped is not None:
                self._failed(self._stopped)
                return
            self.say_cancelled()

    def say_cancelled(self) -> None:
        """Its last event says that it was stopped; also of one that was stopped where it is
        recorded, while it waited for a person."""
        self.status = "cancelled"
        self._add({"type": "run_cancelled", "run": self.id, **self._took()})

    def _failure(self) -> dict[str, Any]:
        problem = self.problem or Problem("run/defect", "It ended.")
        said = {"type": "run_failed", "run": self.id, "problem": problem.as_dict()}
        return {**said, **self._took()}

    @property
    def shows_models(self) -> bool:
        """Whether its caller is told which models the flow has, and what they cost."""
        return shows_models(self.caller, self.settings)

    def _as_told(self, data: dict[str, Any]) -> dict[str, Any]:
        return data if self.shows_models else without_models(data)

    def _took(self) -> dict[str, Any]:
        took = {"at": time.time(), "seconds": self.seconds, "tokens": self.tokens.as_dict()}
        return self._as_told(took)

    def _add(self, data: dict[str, Any]) -> None:
        if self.follow:
            self.events.append(SentEvent(len(self.events) + 1, data["type"], data))
            self.weight += weight_of(data)
        for news in self._news:
            news.set()

    def _end(self) -> None:
        if not self.ended:  # cancelled before it had begun
            self._cancelled()
        self.ended_at = time.time()
        if self._rest is not None:
            self._rest.cancel()
        for news in self._news:
            news.set()

    # --- readers ------------------------------------------------------------------------------

    async def read(self, after: int = 0) -> AsyncGenerator[SentEvent | None, None]:
        """Its events after a number, to the one that it ended with; None now and then, so that a
        reader who has gone is found out.

        A streamed run whose last reader leaves rests for a while, and is then stopped.
        """
        news = asyncio.Event()
        self._news.add(news)
        self.readers += 1
        if self._rest is not None:
            self._rest.cancel()
        try:
            while True:
                while after < len(self.events):
                    event = self.events[after]
                    after += 1
                    yield event
                if self.ended and (self.task is None or self.task.done()):
                    return
                news.clear()
                try:
                    async with asyncio.timeout(self.settings.ping_s):
                        await news.wait()
                except TimeoutError:
                    yield None
        finally:
            self._news.discard(news)
            self.readers -= 1
            self._left()

    def _left(self) -> None:
        if not self.rests or self.readers or self.ended:
            return
        loop = asyncio.get_running_loop()
        self._rest = loop.call_later(self.settings.rest_s, self.stop)

    # --- telling ------------------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """How it stands, as JSON."""
        said: dict[str, Any] = {"run": self.id, "flow": self.flow.name, "status": self.status}
        if self.thread:
            said["thread"] = self.thread
        if self.place is not None:
            said["trace"] = self.place.trace
        if self.status == "finished":
            said["outputs"] = encode(self.outputs)
        if self.problem is not None:
            said["error"] = self.problem.as_dict()
            if self.more:
                said["also"] = [problem.as_dict() for problem in self.more]
        if self.ended:
            took = {"seconds": round(self.seconds, 6), "tokens": self.tokens.as_dict()}
            said |= self._as_told(took)
            priced = self.tokens.total and self.shows_models
            if priced and (cost := prices_or_none().cost(self.tokens)):
                said["cost"] = cost.as_dict()
        if self.warnings:
            said["warnings"] = self.warnings
        return said

    @property
    def http_status(self) -> int:
        """The HTTP status that goes with how it stands."""
        if self.status == "failed":
            return 500 if self.problem is None else status_of(self.problem)
        return {"finished": 200, "cancelled": 409}.get(self.status, 202)
