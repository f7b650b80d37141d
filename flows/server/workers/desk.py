"""What the head decides for all its workers: slots, the queue, budgets and figures."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from patchbay.flows.runs.events import Tokens
from patchbay.flows.server.core.admission import OwnAdmission, RunUse
from patchbay.flows.server.core.budgets import Budgets
from patchbay.flows.server.core.figures import Figures
from patchbay.flows.server.core.keys import Caller
from patchbay.flows.server.core.refusals import RefusedError
from patchbay.flows.server.core.settings import Settings
from patchbay.flows.server.core.slots import QueuePlace, Slots
from patchbay.flows.server.workers.line import Line


class AdmissionDesk:
    """Slots, budgets and figures of all workers.

    Args:
        settings: the limits, which hold for all of them together.
    """

    def __init__(self, settings: Settings) -> None:
        self.slots = Slots(settings.at_once, settings.queue)
        self.figures = Figures()
        self.admission = OwnAdmission(self.slots, Budgets(), self.figures)


class WorkersDesk:
    """The desk as one worker sees it. When the worker is gone, so are its places.

    Args:
        desk: what is shared.
        line: where the worker is.
    """

    def __init__(self, desk: AdmissionDesk, line: Line) -> None:
        self._desk, self._line = desk, line
        self._places: dict[int, QueuePlace] = {}
        self._coming: dict[int, asyncio.Task[None]] = {}
        """Those that wait for the turn of a place, by its number."""

    def take(self, message: dict[str, Any]) -> None:
        """Do what a worker asks."""
        match message["do"]:
            case "enter":
                self._enter(message["id"], message["place"], message["caller"])
            case "leave":
                if place := self._places.pop(message["place"], None):
                    place.leave()
                if task := self._coming.pop(message["place"], None):
                    task.cancel()
            case "aside":
                place = self._places.get(message["place"])
                self._line.send(re=message["id"], may=place is not None and place.aside_now())
            case "back":
                if place := self._places.get(message["place"]):
                    place.back_now()
                    self._call(message["place"], place)
            case "used":
                use = use_from(message["use"])
                self._desk.admission.used(caller_from(message["caller"]), use)
            case "figures":
                slots = self._desk.slots
                stand = {"at_once": slots.at_once, "busy": slots.busy, "waiting": slots.waiting}
                figures = self._desk.figures.as_json()
                self._line.send(re=message["id"], figures=figures, slots=stand)

    def _enter(self, id: int, number: int, caller: dict[str, Any] | None) -> None:
        try:
            known = None if caller is None else caller_from(caller)
            place = self._desk.admission.enter_now(known)
        except RefusedError as error:
            refusal = {"status": error.status, "problem": asdict(error.problem)}
            self._line.send(re=id, refused=refusal, retry_s=error.retry_s)
            return
        self._places[number] = place
        self._line.send(re=id, held=place.held)
        if not place.held:
            self._call(number, place)

    def _call(self, number: int, place: QueuePlace) -> None:
        """Tell the worker when it is the turn of a place."""

        async def coming() -> None:
            await place.come()
            self._line.send(turn=number)

        def over(task: asyncio.Task[None]) -> None:
            if self._coming.get(number) is task:
                del self._coming[number]

        task = self._coming[number] = asyncio.ensure_future(coming())
        task.add_done_callback(over)

    def gone(self) -> None:
        """The worker is gone: what it had is free."""
        for task in self._coming.values():
            task.cancel()
        for place in self._places.values():
            place.leave()
        self._places.clear()


def use_from(told: dict[str, Any]) -> RunUse:
    """What a run took, as it came."""
    return RunUse(**{**told, "tokens": Tokens.read(told["tokens"])})


def caller_as_json(caller: Caller) -> dict[str, Any]:
    """A caller as it goes over the line."""
    flows = None if caller.flows is None else sorted(caller.flows)
    return {**asdict(caller), "flows": flows}


def caller_from(told: dict[str, Any]) -> Caller:
    """A caller as it came."""
    flows = None if told["flows"] is None else frozenset(told["flows"])
    return Caller(**{**told, "flows": flows})
