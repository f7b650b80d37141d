"""The runs of a server: begun, followed, answered, stopped, resumed, and ended with it."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Event
from patchbay.flows.runs.prices import prices_or_none
from patchbay.flows.server.core.admission import Admission, OwnAdmission, RunPlace, RunUse
from patchbay.flows.server.core.asked import RunRequest
from patchbay.flows.server.core.beginning import beginning
from patchbay.flows.server.core.budgets import Budgets
from patchbay.flows.server.core.feedback import Feedback
from patchbay.flows.server.core.figures import Figures
from patchbay.flows.server.core.instant_runs import goes_at_once, run_at_once
from patchbay.flows.server.core.keys import Caller, Keys
from patchbay.flows.server.core.live_runs import LiveRuns
from patchbay.flows.server.core.one_by_one import OneByOne
from patchbay.flows.server.core.owners import Owners
from patchbay.flows.server.core.recorded_runs import RecordedRuns
from patchbay.flows.server.core.served_run import Begin, ServedRun
from patchbay.flows.server.core.settings import Settings
from patchbay.flows.server.core.shelf import ServedFlow, Shelf
from patchbay.flows.server.core.slots import Slots
from patchbay.flows.server.core.uploads import forget_files
from patchbay.flows.server.core.woken_runs import WokenRuns
from patchbay.flows.traces.trace_parent import INCOMING, TraceParent
from patchbay.nodes.threads import in_thread

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History, PastRun
    from patchbay.flows.runs.resources import Pool
    from patchbay.flows.runs.secrets import Secrets
    from patchbay.flows.traces.sending import Traces

log = logging.getLogger("patchbay.serve")
_PARSED_AT_ONCE = 2


@dataclass
class FlowService:
    """What a server does, whatever protocol it is asked in.

    Args:
        shelf: the flows.
        keys: who may call.
        settings: the limits.
        owners: says whose a run is.
        env: catalog, pool and so on; the defaults unless given.
        opened_history: the history, where it is open already; else it is opened when it is needed.
    """

    shelf: Shelf
    keys: Keys
    settings: Settings
    owners: Owners
    env: Environment | None = None
    opened_history: InitVar[History | None] = None
    meter: Budgets = field(default_factory=Budgets)
    figures: Figures = field(default_factory=Figures)
    feedback: Feedback = field(default_factory=Feedback)
    traces: Traces | None = None
    """Sends traces of runs; None where nobody asked for them."""
    firing: Any = None
    """Starts what triggers are due for, where the service has a server around it."""
    shared: Callable[[Slots], Admission] | None = None
    """Makes the admission of a worker, where other processes share the port."""
    epoch: str = field(default_factory=lambda: secrets.token_hex(3))
    """Numbers of events count within one start of the server; this tells the starts apart."""

    def __post_init__(self, opened_history: History | None) -> None:
        self.slots = Slots(self.settings.at_once, self.settings.queue)
        own = OwnAdmission(self.slots, self.meter, self.figures)
        self.admission: Admission = own if self.shared is None else self.shared(self.slots)
        env = self.env or default_environment(use_cache=self.settings.use_cache)
        self._env = replace(env, variables=self.settings.variables)
        self.live = LiveRuns(self.settings)
        self.recorded = RecordedRuns(self.shelf, self.owners, opened_history)
        self.woken = WokenRuns(self)
        self.parsing = asyncio.Semaphore(_PARSED_AT_ONCE)
        """Holds back texts that pages want parsed: each takes a processor for itself."""
        self._recording: set[asyncio.Future[None]] = set()
        self._beginning = OneByOne()

    @property
    def pool(self) -> Pool:
        """What opens models, for all runs."""
        return self._env.pool

    @property
    def secrets(self) -> Secrets:
        """Where the secrets are that flows name."""
        return self._env.secrets

    @property
    def environment(self) -> Environment:
        """What runs begin with."""
        return self._env

    @property
    def opened(self) -> History | None:
        """The history, where it is open."""
        return self.recorded.opened

    async def history(self) -> History:
        """The history, opened when it is first needed."""
        return await self.recorded.history()

    # --- beginning ----------------------------------------------------------------------------

    async def begin(
        self,
        flow: ServedFlow,
        caller: Caller,
        asked: RunRequest,
        *,
        run: str | None = None,
        follow: bool = True,
        hear: Callable[[Event], None] | None = None,
    ) -> ServedRun:
        """Begin a run, or take a place in the queue for it.

        Args:
            flow: what to run.
            caller: whose run it is.
            asked: what with, and how.
            run: its id, where it has one already.
            follow: whether its events are kept for readers.
            hear: told of every event as it is.

        Raises:
            RefusedError: the server is full, or the caller has used up what it may use.
            FlowError: the inputs do not fit, or the thread is not there.
        """
        run = run or self.owners.new_id(caller)
        turn: RunPlace | None = None
        live: ServedRun | None = None
        try:
            turn = await self.admission.enter(caller)
            record = flow.may_ask or asked.background or asked.thread is not None
            live = ServedRun(
                run, flow, caller, self.settings, follow=follow, record=record, epoch=self.epoch
            )
            self.trace(live, asked.parent or INCOMING.get(), asked.thread or "")
            live.hear, live.rests = hear, asked.stream and not asked.background
            live.read_along = follow or record or asked.stream
            if turn.held and goes_at_once(self, live, asked):
                await run_at_once(self, live, asked, turn)
                return live
            begin = await beginning(self, live, asked)
        except BaseException:
            asked.forget()
            if turn is not None:
                turn.leave()
            if live is not None and live.trace is not None:
                live.trace.end("refused")
            raise
        self.start(live, begin, turn, asked)
        return live

    def start(
        self, live: ServedRun, begin: Begin, turn: RunPlace, asked: RunRequest | None = None
    ) -> None:
        """Have a run begin when its turn comes, and see to it when it has ended."""
        self.live[live.id] = live
        queued_at = time.time()

        kept = asked is None or (asked.background and asked.thread is None)

        def done(live: ServedRun) -> None:
            if kept and live.record and not live.began:
                self._withdraw(live.id)
            if live.record and live.status == "finished":
                forget_files(live.id)
            elif asked is not None and not live.record:
                asked.forget()
            self.over(live, queued_at)

        async def in_turn() -> Any:
            await self._beginning.turn()
            return await begin()

        live.start(in_turn, turn, done)

    def trace(self, live: ServedRun, parent: TraceParent | None, thread: str = "") -> None:
        """Give a run its place in a trace: one of its own where runs are traced."""
        live.place = parent
        if self.traces is not None:
            flow = live.flow.loaded.flow
            live.trace = self.traces.run(
                flow.name,
                parent=parent,
                secrets=self.secrets,
                thread=thread,
                person=live.caller.name,
                kinds={node.id: node.kind for node in flow.nodes},
            )
            live.place = live.trace.place

    def _withdraw(self, run: str) -> None:
        """Record that a run was stopped before its turn came: it is kept, and can be resumed."""
        from patchbay.flows.runs.stopping import withdraw

        if self.opened is not None:
            task = asyncio.ensure_future(in_thread(withdraw, self.opened, run))
            self._recording.add(task)
            task.add_done_callback(self._recording.discard)

    def over(self, live: ServedRun, queued_at: float) -> None:
        """See to what a run leaves behind that has ended, or fallen asleep: count it, say so."""
        if live.status == "waiting":
            self.woken.asleep[live.id] = live.caller
        else:
            self.woken.asleep.pop(live.id, None)
        if live.trace is not None:
            live.trace.end(live.status)
        seconds, tokens = live.part
        waited = max(0.0, live.begun_at - queued_at)
        use = RunUse(live.flow.name, live.status, seconds, waited, tokens)
        self.admission.used(live.caller, use)
        self.live.over(live)
        if not log.isEnabledFor(logging.INFO):
            return
        cost = prices_or_none().cost(tokens) if tokens.total else None
        log.info(
            "run=%s flow=%s caller=%s status=%s seconds=%.3f waited=%.3f tokens=%d+%d%s",
            live.id, live.flow.name, live.caller.name, live.status, live.seconds, waited,
            live.tokens.prompt, live.tokens.completion,
            (f" cost={cost.words()}" if cost else "")
            + (f" trace={live.place.trace}" if live.place else "")
            + (f" problem={live.problem.code}" if live.problem else ""),
        )  # fmt: skip

    # --- recorded runs ------------------------------------------------------------------------

    def mine(self, run: str, caller: Caller) -> None:
        """Check that a run is of this caller.

        Raises:
            RefusedError: it is not, or there is none.
        """
        self.recorded.mine(run, caller)

    async def past(self, run: str) -> PastRun:
        """A run as it is recorded.

        Raises:
            RefusedError: it is not.
        """
        return await self.recorded.past(run)

    async def questions(self, run: str) -> list[dict[str, Any]]:
        """The open questions of a run."""
        return await self.recorded.questions(run)

    async def answer(
        self,
        run: str,
        caller: Caller,
        given: Mapping[str, Any],
        hear: Callable[[Event], None] | None = None,
    ) -> ServedRun | None:
        """Record an answer to a question of a run, and go on with it where nobody has it.

        Args:
            run: its id.
            caller: who answers.
            given: `question` and one of the ways of `GivenReply`.
            hear: told of every event from then on.

        Returns:
            The run as it goes on here; None where another process goes on with it.

        Raises:
            FlowError: it is no answer to this question, somebody was faster, or the run has ended.
        """
        return await self.woken.answer(run, caller, given, hear)

    async def resume(self, run: str, caller: Caller) -> ServedRun:
        """Go on with a recorded run that was interrupted, stopped, or failed.

        Raises:
            RefusedError: there is none, or the server is full.
            FlowError: it has ended well, or is at work.
        """
        return await self.woken.resume(run, caller)

    async def cancel(self, run: str, caller: Caller) -> None:
        """Stop a run, wherever it is.

        Raises:
            RefusedError: there is none.
            FlowError: it has ended already, or another process has it.
        """
        from patchbay.flows.runs.stopping import stop

        self.recorded.mine(run, caller)
        live = self.live.get(run)
        if live is not None and not live.ended:
            live.stop()
            await live.settled()
            await asyncio.gather(*self._recording)
            return
        await self.recorded.past(run)
        await in_thread(stop, await self.history(), run)
        self.woken.asleep.pop(run, None)
        if live is not None:
            live.say_cancelled()

    async def watch(self) -> None:
        """Wake runs of this server that wait for a person whose time is up; for ever."""
        await self.woken.watch()

    # --- the end ------------------------------------------------------------------------------

    async def drain(self) -> None:
        """Take no more; let what is at work end; stop the rest, which is recorded as stopped."""
        self.slots.closed = True
        tasks = [live.task for live in self.live.values() if live.task is not None]
        busy = [task for task in tasks if not task.done()]
        if busy:
            log.info("ending: %d runs are at work", len(busy))
            await asyncio.wait(busy, timeout=self.settings.drain_s)
        left = [live for live in self.live.values() if not live.ended]
        for live in left:
            live.stop()
        if left:
            log.info("ending: %d runs were stopped; recorded ones can be resumed", len(left))
            await asyncio.wait([live.task for live in left if live.task], timeout=10.0)
        await asyncio.gather(*self._recording, return_exceptions=True)
        if self.opened is not None:
            await in_thread(self.opened.settle)
        if self.traces is not None:
            await in_thread(self.traces.close)
