"""The admission of a worker: it asks the head, which decides for all workers."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import asdict
from typing import Any

from patchbay.flows.problems import Problem
from patchbay.flows.server.core.admission import RunUse
from patchbay.flows.server.core.figures import Figures
from patchbay.flows.server.core.keys import Caller
from patchbay.flows.server.core.refusals import RefusedError, refused
from patchbay.flows.server.core.slots import Slots, ending
from patchbay.flows.server.workers.desk import caller_as_json
from patchbay.flows.server.workers.line import Line


class SharedPlace:
    """A place that the head keeps."""

    __slots__ = ("_admission", "_left", "_turn", "number")

    def __init__(self, admission: SharedAdmission, number: int) -> None:
        self._admission, self.number = admission, number
        self._turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = False

    @property
    def held(self) -> bool:
        """Whether it is a slot."""
        return self._turn.done()

    def turn(self) -> None:
        """It is this one's turn."""
        if not self._turn.done():
            self._turn.set_result(None)

    async def come(self) -> None:
        """Wait until it is this one's turn."""
        await asyncio.shield(self._turn)

    async def step_aside(self) -> bool:
        """Let others have the slot; whether it may."""
        told = await self._admission.line.ask("aside", place=self.number)
        if told["may"]:
            self._turn = asyncio.get_running_loop().create_future()
        return bool(told["may"])

    async def come_back(self) -> None:
        """Take a slot again, or a place at the end of the queue."""
        self._admission.line.send(do="back", place=self.number)

    def leave(self) -> None:
        """Give it back. May be called again."""
        if not self._left:
            self._left = True
            self._admission.left(self.number)


class SharedAdmission:
    """Asks the head.

    Args:
        line: where it is.
        slots: this worker's own, which say only whether the worker ends.
    """

    def __init__(self, line: Line, slots: Slots) -> None:
        self.line, self._slots = line, slots
        self._places: dict[int, SharedPlace] = {}
        self._numbers = itertools.count(1)

    async def enter(self, caller: Caller | None) -> SharedPlace:
        """Take a slot, or a place in the queue."""
        if self._slots.closed:
            raise ending()
        number = next(self._numbers)
        place = self._places[number] = SharedPlace(self, number)
        asked = asyncio.ensure_future(self._enter(place, caller))
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            asked.add_done_callback(lambda done: done.cancelled() or done.exception())
            place.leave()  # comes to the head after the wish for it
            raise
        except ConnectionError:
            raise refused(
                503, "serve/ending", "The server is ending.", "Try again in a moment.", retry_s=5
            ) from None

    async def _enter(self, place: SharedPlace, caller: Caller | None) -> SharedPlace:
        told = await self.line.ask(
            "enter", place=place.number, caller=None if caller is None else caller_as_json(caller)
        )
        if "refused" in told:
            self._places.pop(place.number, None)
            problem = Problem(**told["refused"]["problem"])
            raise RefusedError(told["refused"]["status"], problem, told["retry_s"])
        if told["held"]:
            place.turn()
        return place

    def left(self, number: int) -> None:
        """A place was given back."""
        self._places.pop(number, None)
        self.line.send(do="leave", place=number)

    def take(self, message: dict[str, Any]) -> None:
        """What the head says."""
        if place := self._places.get(message.get("turn", 0)):
            place.turn()

    def used(self, caller: Caller, use: RunUse) -> None:
        """Count what a run took."""
        self.line.send(do="used", use=asdict(use), caller=caller_as_json(caller))

    async def figures(self) -> tuple[Figures, Slots]:
        """What all workers did, and how the slots stand."""
        told = await self.line.ask("figures")
        stand = told["slots"]
        return Figures.from_json(told["figures"]), Slots.as_seen(**stand)
