"""Starts flows when their schedules are due. However many servers look, each time is fired once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError
from patchbay.flows.server.core.asked import RunRequest, safe
from patchbay.flows.server.core.keys import OWNER
from patchbay.flows.server.core.refusals import RefusedError
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.triggers.claims import Claims, moment_of, stamp
from patchbay.flows.triggers.schedule import Schedule
from patchbay.flows.triggers.triggers import Trigger, read_triggers, triggers_file
from patchbay.flows.wording import plural
from patchbay.nodes.file_stamp import file_stamp
from patchbay.nodes.threads import in_thread

if TYPE_CHECKING:
    from patchbay.flows.server.core.service import FlowService

log = logging.getLogger("patchbay.serve")

GRACE_S = 60.0
"""A time that is longer ago was missed, in seconds."""
_LOOK_EVERY_S = 15.0
_SOONEST_S = 0.05
_AGAIN_S = 2.0
_PATIENCE_S = 600.0
"""How long a full server is asked again."""


@dataclass(frozen=True, slots=True)
class _Due:
    """What a schedule was due for: its last time, and how many are late, from when to when."""

    last: datetime | None = None
    late: int = 0
    late_first: datetime | None = None
    late_last: datetime | None = None


class Firing:
    """The schedules of a service.

    Args:
        service: runs the flows.
    """

    def __init__(self, service: FlowService) -> None:
        self._service = service
        self._known: dict[str, Trigger] = {}
        self._stamp: tuple[int, int] | None = None
        self._said: set[str] = set()
        self._starting: set[asyncio.Task[None]] = set()

    async def watch(self) -> None:
        """Start what is due; for ever."""
        while True:
            wait = _LOOK_EVERY_S
            try:
                wait = await self.look(datetime.now(UTC))
            except Exception as error:  # the disk may refuse; the next look tries again
                self._say(f"Triggers cannot be looked at: {error}")
            await asyncio.sleep(max(_SOONEST_S, min(wait, _LOOK_EVERY_S)))

    async def look(self, now: datetime) -> float:
        """Start what is due now. Gives the seconds until something is due again."""
        self._read()
        soonest = _LOOK_EVERY_S
        for trigger in self._known.values():
            flow = self.flow_of(trigger)
            if flow is None:
                self._say(
                    f'The trigger "{trigger.name}" is for the flow {trigger.flow}, which is not '
                    "served here."
                )
            elif trigger.schedule is not None:
                await self._due(trigger, flow, now)
                coming = trigger.schedule.after(now, 1)
                if coming:
                    soonest = min(soonest, (coming[0] - now).total_seconds())
        return soonest

    def flow_of(self, trigger: Trigger) -> ServedFlow | None:
        """The flow of a trigger as it is served here; None where it is not."""
        shelf = self._service.shelf
        names = [f.name for f in shelf.all() if trigger.is_for(f.name, f.path)]
        return shelf.get(names[0]) if names else None

    def get(self, name: str) -> Trigger | None:
        """A trigger of the file as it is now."""
        self._read()
        return self._known.get(name)

    def all(self) -> dict[str, Trigger]:
        """All triggers of the file as it is now."""
        self._read()
        return self._known

    def _read(self) -> None:
        """Take in what was changed in the file. One that cannot be read changes nothing."""
        file = triggers_file()
        now = file_stamp(file)
        if now == self._stamp:
            return
        self._stamp = now
        self._said.clear()
        try:
            self._known = read_triggers(file)
        except FlowError as error:
            log.warning("%s The triggers of before go on.", error)

    async def _due(self, trigger: Trigger, flow: ServedFlow, now: datetime) -> None:
        assert trigger.schedule is not None  # noqa: S101 - asked by the caller
        claims = Claims(await self._service.history())
        last = await in_thread(claims.last, trigger.key)
        if last is None:  # seen for the first time: what was before is nobody's
            await in_thread(claims.take, trigger.key, stamp(now), "")
            return
        due = await in_thread(_due_since, trigger.schedule, moment_of(last), now)
        if due.last is None:
            return
        is_late = due.late_last == due.last
        fires = not is_late or trigger.missed == "run"
        missed = due.late - 1 if fires and is_late else due.late  # the last one is made good now
        moment = stamp(due.last)
        run = self._service.owners.new_id(OWNER) if fires else ""
        if not await in_thread(claims.take, trigger.key, moment, run, missed):
            return
        if due.late_first is not None and due.late_last is not None:
            log.warning(
                'trigger %s: %s missed, from %s to %s, since no server was there%s',
                trigger.name, f"{plural(due.late, 'time')} {'was' if due.late == 1 else 'were'}",
                stamp(due.late_first), stamp(due.late_last),
                "; the last one is started now" if fires and is_late else "",
            )  # fmt: skip
        if fires:
            task = asyncio.create_task(self._start(trigger, flow, run, claims, moment))
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)
        await in_thread(claims.tidy, trigger.key)

    async def _start(
        self, trigger: Trigger, flow: ServedFlow, run: str, claims: Claims, moment: str
    ) -> None:
        again: bool | None = True  # where this server ends meanwhile, another one may start it
        try:
            again = await self._refused(trigger, flow, run)
        finally:
            if again is not None:
                await in_thread(partial(claims.unstarted, trigger.key, moment, again=again))

    async def _refused(self, trigger: Trigger, flow: ServedFlow, run: str) -> bool | None:
        """Start it. None: it runs; else, whether it may be tried once more."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                await self.start(trigger, flow, run, dict(trigger.inputs))
                return None
            except RefusedError as error:
                if error.status != 429 or time.monotonic() > until:
                    log.error("trigger %s did not start: %s", trigger.name, error.problem.message)
                    return error.status in (429, 503)
                await asyncio.sleep(_AGAIN_S)
            except FlowError as error:
                log.error("trigger %s did not start: %s", trigger.name, error)
                return False
            except Exception:
                log.exception("trigger %s did not start", trigger.name)
                return False

    async def start(
        self, trigger: Trigger, flow: ServedFlow, run: str, given: dict[str, Any]
    ) -> None:
        """Start the flow of a trigger, in the background and recorded.

        Raises:
            RefusedError: the server is full, or ends.
            FlowError: the inputs do not fit.
        """
        inputs = {
            name: safe(flow.inputs[name], value) if name in flow.inputs else value
            for name, value in given.items()
        }
        asked = RunRequest(inputs, background=True)
        await self._service.begin(flow, OWNER, asked, run=run)
        log.info("trigger=%s run=%s flow=%s", trigger.name, run, flow.name)

    async def settled(self) -> None:
        """Wait until all that is due has started."""
        await asyncio.gather(*self._starting)

    async def end(self) -> None:
        """Give up what still waits to start."""
        for task in self._starting:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._starting, return_exceptions=True)

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            log.warning(text)


def firing_of(service: FlowService) -> Firing:
    """What starts the triggers of a service: one for all who ask."""
    if service.firing is None:
        service.firing = Firing(service)
    found: Firing = service.firing
    return found


def _due_since(schedule: Schedule, moment: datetime, now: datetime) -> _Due:
    """All that came since a moment, of which there may be very many."""
    grace, late = timedelta(seconds=GRACE_S), 0
    last: datetime | None = None
    late_first: datetime | None = None
    late_last: datetime | None = None
    for found in schedule.between(moment, now):
        last = found
        if now - found > grace:
            late, late_first, late_last = late + 1, late_first or found, found
    return _Due(last, late, late_first, late_last)
