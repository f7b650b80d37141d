"""Runs that go on: answered by a person, resumed, or woken because the time for an answer is up."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.events import Event
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.flows.server.core.keys import ANYONE, OWNER, Caller
from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.traces.trace_parent import INCOMING
from patchbay.nodes.threads import in_thread

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History, PastRun
    from patchbay.flows.server.core.admission import RunPlace
    from patchbay.flows.server.core.service import FlowService

_LOOK_EVERY_S = 1.0


class WokenRuns:
    """Goes on with recorded runs of a service.

    Args:
        service: whose runs they are.
    """

    def __init__(self, service: FlowService) -> None:
        self._service = service
        self.asleep: dict[str, Caller] = {}
        """Runs of this server that wait for a person, and whose they are."""

    async def answer(
        self,
        run: str,
        caller: Caller,
        given: Mapping[str, Any],
        hear: Callable[[Event], None] | None = None,
    ) -> ServedRun | None:
        """Record an answer; see `FlowService.answer`."""
        service = self._service
        service.recorded.mine(run, caller)
        await service.recorded.still_may(run, caller)
        history, turn = await service.history(), await service.admission.enter(caller)
        try:
            mine = await in_thread(self._give, history, run, caller, dict(given))
            live = service.live.get(run)
            if not mine:
                turn.leave()
                if live is not None and live.run is not None:
                    live.run.nudge()
                return live
            past = await in_thread(history.get, run)
            return await self._go_on(history, past, caller, turn, claimed=True, hear=hear)
        except BaseException:
            turn.leave()
            raise

    def _give(self, history: History, run: str, caller: Caller, given: dict[str, Any]) -> bool:
        from patchbay.flows.runs.answers import find, give, refused
        from patchbay.flows.runs.results import reply_value
        from patchbay.flows.server.core.answer_words import in_json
        from patchbay.flows.server.core.refusals import refused as bad

        texts = {name: given.get(name) for name in ("question", "who", "comment")}
        for name, text in texts.items():
            if text is not None and not isinstance(text, str):
                raise bad(400, "input/invalid", f'"{name}" is a text.', "Send it as one.")
        given.pop("question", None)
        asked = find(history, run, texts["question"])
        types = self._service.environment.catalog.value_types
        question = asked.question(types)
        try:
            value, why = reply_value(given, question)  # type: ignore[arg-type]
            return give(
                history,
                asked,
                value,
                author=_author(caller, texts["who"]),
                comment=texts["comment"] or why,
                types=types,
            )
        except ValueError as error:
            raise in_json(refused(question, asked.id, str(error)), question) from None
        except FlowError as error:
            raise in_json(error, question) from None

    async def resume(self, run: str, caller: Caller) -> ServedRun:
        """Go on with a run; see `FlowService.resume`."""
        service = self._service
        service.recorded.mine(run, caller)
        await service.recorded.still_may(run, caller)
        history, turn = await service.history(), await service.admission.enter(caller)
        try:
            past = await service.recorded.past(run)
            return await self._go_on(history, past, caller, turn)
        except BaseException:
            turn.leave()
            raise

    async def _go_on(
        self,
        history: History,
        past: PastRun,
        caller: Caller,
        turn: RunPlace,
        *,
        claimed: bool = False,
        hear: Callable[[Event], None] | None = None,
    ) -> ServedRun:
        from patchbay.flows.runs.resume import resumed_run

        service, run = self._service, past.id
        env = replace(service.environment, folder=past.folder, person=caller.person)
        resumed = await in_thread(resumed_run, history, past, env, claimed=claimed)
        live = service.live.get(run)
        if live is None:
            flow = await self._flow_of(past, resumed)
            epoch = secrets.token_hex(3)  # who read along before has other numbers
            live = ServedRun(run, flow, caller, service.settings, record=True, epoch=epoch)
        live.rests, live.hear = False, hear
        service.trace(live, INCOMING.get() or live.place, resumed.thread)
        if live.trace is not None:
            resumed.trace_by(live.trace)

        async def begin() -> Run:
            return resumed

        service.start(live, begin, turn)
        return live

    async def _flow_of(self, past: PastRun, run: Run) -> ServedFlow:
        """The flow of a recorded run, under the name that it is served by, if it still is."""
        from patchbay.flows.runs.subflows import prepare

        service = self._service
        env = service.environment
        prepared = prepare(run.flow, env.catalog, past.folder, variables=env.variables)
        name = next(iter(await service.recorded.names_of(past)), past.name)
        path = (past.folder or service.shelf.folder) / f"{name}.json"
        return ServedFlow(name, path, LoadedFlow(run.flow, past.folder), prepared, ())

    async def watch(self) -> None:
        """Wake runs of this server that wait for a person whose time is up; for ever."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if not self.asleep:
                continue
            with contextlib.suppress(Exception):
                history = await self._service.history()
                late = await in_thread(history.inbox.due, time.time())
                for run in self.asleep.keys() & late:
                    with contextlib.suppress(FlowError, Exception):
                        await self._wake(history, run, self.asleep[run])

    async def _wake(self, history: History, run: str, caller: Caller) -> None:
        # A slot first, since nobody would wake it again once it is answered.
        turn = await self._service.admission.enter(None)
        try:
            if await in_thread(history.inbox.take_due, time.time(), run):
                past = await in_thread(history.get, run)
                await self._go_on(history, past, caller, turn)
            else:
                turn.leave()
        except BaseException:
            turn.leave()
            raise


def _author(caller: Caller, who: str | None) -> str:
    """Who answers: callers may say for whom, and the name of their key stays beside it."""
    if not who or who == caller.name:
        return caller.name
    return who if caller in (OWNER, ANYONE) else f"{who} ({caller.name})"
