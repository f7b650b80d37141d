"""The runs of a server: begun, followed, answered, stopped, resumed, and ended with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Event
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.flows.server.core.asked import RunRequest
from patchbay.flows.server.core.budgets import Budgets
from patchbay.flows.server.core.feedback import Feedback
from patchbay.flows.server.core.figures import Figures
from patchbay.flows.server.core.keys import ANYONE, OWNER, Caller, Keys
from patchbay.flows.server.core.owners import Owners
from patchbay.flows.server.core.refusals import refused
from patchbay.flows.server.core.served_run import Begin, ServedRun
from patchbay.flows.server.core.settings import Settings
from patchbay.flows.server.core.shelf import ServedFlow, Shelf
from patchbay.flows.server.core.slots import QueuePlace, Slots
from patchbay.flows.server.core.uploads import forget_files
from patchbay.flows.wording import printable
from patchbay.nodes.threads import in_thread

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History, PastRun
    from patchbay.flows.runs.resources import Pool
    from patchbay.flows.runs.secrets import Secrets

log = logging.getLogger("patchbay.serve")

_MOST_KEPT = 500
_LOOK_EVERY_S = 1.0
_AGAIN_S = 60.0


@dataclass
class FlowService:
    """What a server does, whatever protocol it is asked in.

    Args:
        shelf: the flows.
        keys: who may call.
        settings: the limits.
        owners: says whose a run is.
        env: catalog, pool and so on; the defaults unless given.
        opened: the history, where it is open already; else it is opened when it is needed.
    """

    shelf: Shelf
    keys: Keys
    settings: Settings
    owners: Owners
    env: Environment | None = None
    opened: History | None = None
    meter: Budgets = field(default_factory=Budgets)
    figures: Figures = field(default_factory=Figures)
    feedback: Feedback = field(default_factory=Feedback)
    live: dict[str, ServedRun] = field(default_factory=dict)
    epoch: str = field(default_factory=lambda: secrets.token_hex(3))
    """Numbers of events count within one start of the server; this tells the starts apart."""

    def __post_init__(self) -> None:
        self.slots = Slots(self.settings.at_once, self.settings.queue)
        env = self.env or default_environment(use_cache=self.settings.use_cache)
        self._env = replace(env, variables=self.settings.variables)
        self._ended: list[str] = []
        self._asleep: dict[str, Caller] = {}
        self._recording: set[asyncio.Future[None]] = set()
        self._opening = asyncio.Lock()

    @property
    def pool(self) -> Pool:
        """What opens models, for all runs."""
        return self._env.pool

    @property
    def secrets(self) -> Secrets:
        """Where the secrets are that flows name."""
        return self._env.secrets

    async def history(self) -> History:
        """The history, opened when it is first needed."""
        async with self._opening:
            if self.opened is None:
                from patchbay.flows.runs.history import History

                self.opened = await in_thread(History)
                if self.opened.notice:
                    log.warning(self.opened.notice)
            return self.opened

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
        turn: QueuePlace | None = None
        try:
            self.meter.begin(caller)
            turn = self.slots.enter()
            record = flow.may_ask or asked.background or asked.thread is not None
            live = ServedRun(run, flow, caller, self.settings, follow=follow, record=record)
            live.hear, live.rests = hear, asked.stream and not asked.background
            begin = await self._beginning(live, asked)
        except BaseException:
            asked.forget()
            if turn is not None:
                turn.leave()
            raise
        self._start(live, begin, turn, asked)
        return live

    async def _beginning(self, live: ServedRun, asked: RunRequest) -> Begin:
        """What begins a run when its turn has come. The inputs are checked at once."""
        env = replace(self._env, folder=live.flow.loaded.folder, person=live.caller.person)
        if asked.thread is not None:
            return await self._turn_of(live, asked, env)
        if not live.record:
            run = self._run(live, asked, env)
        else:
            from patchbay.flows.runs.answers import recorded

            history = await self.history()
            flow = live.flow.loaded
            env = recorded(env, history, live.id, flow.flow, flow.folder)
            run = self._run(live, asked, env)
            if asked.background:
                await in_thread(history.announce, live.id, flow.flow, flow.folder, run.inputs)

        async def begin() -> Run:
            return run

        return begin

    def _run(self, live: ServedRun, asked: RunRequest, env: Environment) -> Run:
        return Run(
            live.flow.loaded,
            asked.inputs,
            env,
            run_id=live.id,
            prepared=live.flow.prepared,
            from_person=False,
        )

    async def _turn_of(self, live: ServedRun, asked: RunRequest, env: Environment) -> Begin:
        from patchbay.flows.runs.thread_runs import InThread, turn_of
        from patchbay.flows.runs.threads import Threads, checked_id

        history, person, thread = await self.history(), live.caller.person, asked.thread or ""
        found = await in_thread(Threads(history).find, checked_id(thread))
        if found is not None and found.person != person:
            raise refused(
                409,
                "thread/exists",
                f'The thread "{printable(thread)}" is of another caller.',
                "Choose another id.",
            )
        use = InThread(thread, person=person)
        turning = await in_thread(
            turn_of, live.flow.loaded, asked.inputs, env, use, history, live.id,
            prepared=live.flow.prepared,
        )  # fmt: skip

        async def begin() -> Run:
            return turning.now()

        return begin

    def _start(
        self, live: ServedRun, begin: Begin, turn: QueuePlace, asked: RunRequest | None = None
    ) -> None:
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
            self._done(live, queued_at)

        live.start(begin, turn, done)

    def _withdraw(self, run: str) -> None:
        """Record that a run was stopped before its turn came: it is kept, and can be resumed."""
        from patchbay.flows.runs.stopping import withdraw

        if self.opened is not None:
            task = asyncio.ensure_future(in_thread(withdraw, self.opened, run))
            self._recording.add(task)
            task.add_done_callback(self._recording.discard)

    def _done(self, live: ServedRun, queued_at: float) -> None:
        if live.status == "waiting":
            self._asleep[live.id] = live.caller
        else:
            self._asleep.pop(live.id, None)
        seconds, prompt, completion = live.part
        self.slots.took(seconds)
        self.meter.spent(live.caller, prompt + completion, seconds)
        waited = max(0.0, live.begun_at - queued_at)
        self.figures.ended(live, waited)
        log.info(
            "run=%s flow=%s caller=%s status=%s seconds=%.3f waited=%.3f tokens=%d+%d%s",
            live.id, live.flow.name, live.caller.name, live.status, live.seconds, waited,
            live.tokens.prompt, live.tokens.completion,
            f" problem={live.problem.code}" if live.problem else "",
        )  # fmt: skip
        if not live.follow:
            self.live.pop(live.id, None)
            return
        self._ended.append(live.id)
        kept = sum(self.live[old].weight for old in self._ended if old in self.live)
        for old in list(self._ended):
            if kept <= self.settings.keep:
                break
            kept -= self.live[old].weight if old in self.live else 0
            self._forget(old)
        for old in self._ended[: max(0, len(self._ended) - _MOST_KEPT)]:
            self._forget(old)
        with contextlib.suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            loop.call_later(self.settings.keep_s, self._forget, live.id)

    def _forget(self, run: str) -> None:
        """A run that ended long ago; what is recorded of it stays."""
        live = self.live.get(run)
        if run in self._ended:
            self._ended.remove(run)
        if live is None or not live.ended:
            return
        if live.readers:  # one who reads slowly, or not at all, leaves in a minute
            self._ended.append(run)
            asyncio.get_running_loop().call_later(_AGAIN_S, self._forget, run)
        else:
            del self.live[run]

    # --- looking ------------------------------------------------------------------------------

    def mine(self, run: str, caller: Caller) -> None:
        """Check that a run is of this caller.

        Raises:
            RefusedError: it is not, or there is none.
        """
        if not self.owners.owns(caller, run):
            raise self._unknown(run)

    async def _still_may(self, run: str, caller: Caller) -> None:
        """Check that a caller may still use the flow of a run of its own: keys change.

        Raises:
            RefusedError: it may not.
        """
        if caller.flows is None:
            return
        past = await self.past(run)
        names = {
            flow.name
            for flow in self.shelf.all()
            if flow.loaded.folder == past.folder and flow.loaded.flow.name == past.name
        }
        if not any(map(caller.may, names or {past.name})):
            raise self._unknown(run)

    async def past(self, run: str) -> PastRun:
        """A run as it is recorded.

        Raises:
            RefusedError: it is not.
        """
        history = await self.history()
        try:
            return await in_thread(history.get, run)
        except FlowError:
            raise self._unknown(run) from None

    def _unknown(self, run: str) -> Exception:
        return refused(
            404,
            "history/unknown-run",
            f'There is no run "{printable(run)[:80]}", or it is over and was not recorded.',
            'Ask for runs that are kept with "background": true.',
        )

    async def questions(self, run: str) -> list[dict[str, Any]]:
        """The open questions of a run."""
        history = await self.history()
        return [asked.as_dict() for asked in await in_thread(history.inbox.open, run)]

    # --- going on -----------------------------------------------------------------------------

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
        self.mine(run, caller)
        await self._still_may(run, caller)
        self.meter.begin(caller)
        history, turn = await self.history(), self.slots.enter()
        try:
            mine = await in_thread(self._give, history, run, caller, dict(given))
            live = self.live.get(run)
            if not mine:
                turn.leave()
                if live is not None and live.run is not None:
                    live.run.nudge()
                return live
            return await self._go_on(history, run, caller, turn, claimed=True, hear=hear)
        except BaseException:
            turn.leave()
            raise

    def _give(self, history: History, run: str, caller: Caller, given: dict[str, Any]) -> bool:
        from patchbay.flows.runs.answers import find, give, refused
        from patchbay.flows.runs.results import reply_value
        from patchbay.flows.server.core.refusals import refused as bad

        texts = {name: given.get(name) for name in ("question", "who", "comment")}
        for name, text in texts.items():
            if text is not None and not isinstance(text, str):
                raise bad(400, "input/invalid", f'"{name}" is a text.', "Send it as one.")
        given.pop("question", None)
        asked = find(history, run, texts["question"])
        types = self._env.catalog.value_types
        question = asked.question(types)
        try:
            value, why = reply_value(given, question)  # type: ignore[arg-type]
        except ValueError as error:
            raise refused(question, asked.id, str(error)) from None
        return give(
            history,
            asked,
            value,
            author=_author(caller, texts["who"]),
            comment=texts["comment"] or why,
            types=types,
        )

    async def resume(self, run: str, caller: Caller) -> ServedRun:
        """Go on with a recorded run that was interrupted, stopped, or failed.

        Raises:
            RefusedError: there is none, or the server is full.
            FlowError: it has ended well, or is at work.
        """
        self.mine(run, caller)
        await self._still_may(run, caller)
        self.meter.begin(caller)
        history, turn = await self.history(), self.slots.enter()
        try:
            await self.past(run)
            return await self._go_on(history, run, caller, turn)
        except BaseException:
            turn.leave()
            raise

    async def _go_on(
        self,
        history: History,
        run: str,
        caller: Caller,
        turn: QueuePlace,
        *,
        claimed: bool = False,
        hear: Callable[[Event], None] | None = None,
    ) -> ServedRun:
        from patchbay.flows.runs.resume import resumed_run

        past = await in_thread(history.get, run)
        env = replace(self._env, folder=past.folder, person=caller.person)
        resumed = await in_thread(resumed_run, history, past, env, claimed=claimed)
        live = self.live.get(run)
        if live is None:
            live = ServedRun(run, self._flow_of(past, resumed), caller, self.settings, record=True)
        live.rests, live.hear = False, hear

        async def begin() -> Run:
            return resumed

        self._start(live, begin, turn)
        return live

    def _flow_of(self, past: PastRun, run: Run) -> ServedFlow:
        """The flow of a recorded run, under the name that it is served by, if it still is."""
        from patchbay.flows.runs.subflows import prepare

        names = (
            flow.name
            for flow in self.shelf.all()
            if flow.loaded.folder == past.folder and flow.loaded.flow.name == past.name
        )
        prepared = prepare(run.flow, self._env.catalog, past.folder)
        name = next(names, past.name)
        path = (past.folder or self.shelf.folder) / f"{name}.json"
        return ServedFlow(name, path, LoadedFlow(run.flow, past.folder), prepared, ())

    async def cancel(self, run: str, caller: Caller) -> None:
        """Stop a run, wherever it is.

        Raises:
            RefusedError: there is none.
            FlowError: it has ended already, or another process has it.
        """
        from patchbay.flows.runs.stopping import stop

        self.mine(run, caller)
        live = self.live.get(run)
        if live is not None and not live.ended:
            live.stop()
            await live.settled()
            await asyncio.gather(*self._recording)
            return
        await self.past(run)
        await in_thread(stop, await self.history(), run)
        self._asleep.pop(run, None)
        if live is not None:
            live.status = "cancelled"

    async def watch(self) -> None:
        """Wake runs of this server that wait for a person whose time is up; for ever."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if not self._asleep:
                continue
            with contextlib.suppress(Exception):
                history = await self.history()
                asked, now = await in_thread(history.inbox.open), time.time()
                late = {a.run for a in asked if a.until is not None and a.until <= now}
                for run in late & self._asleep.keys():
                    with contextlib.suppress(FlowError, Exception):
                        await self._wake(history, run, self._asleep[run])

    async def _wake(self, history: History, run: str, caller: Caller) -> None:
        turn = self.slots.enter()  # first, since nobody would wake it again once it is answered
        try:
            if await in_thread(history.inbox.take_due, time.time(), run):
                await self._go_on(history, run, caller, turn)
            else:
                turn.leave()
        except BaseException:
            turn.leave()
            raise

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


def _author(caller: Caller, who: str | None) -> str:
    """Who answers: callers may say for whom, and the name of their key stays beside it."""
    if not who or who == caller.name:
        return caller.name
    return who if caller in (OWNER, ANYONE) else f"{who} ({caller.name})"
