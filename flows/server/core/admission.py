"""Who may begin a run now: budgets of keys, then a slot or a place in the queue; and what it used.

A server of one process decides by itself. Where several workers share a port, one process decides
for all of them: `patchbay.flows.server.workers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from patchbay.flows.runs.events import Tokens
from patchbay.flows.server.core.budgets import Budgets
from patchbay.flows.server.core.figures import Figures
from patchbay.flows.server.core.keys import Caller
from patchbay.flows.server.core.slots import QueuePlace, Slots


@dataclass(frozen=True, slots=True)
class RunUse:
    """What a run, or a part of it, took; times in seconds."""

    flow: str
    status: str
    seconds: float
    waited: float
    tokens: Tokens


class RunPlace(Protocol):
    """A place in the queue, then a slot."""

    @property
    def held(self) -> bool:
        """Whether it is a slot."""

    async def come(self) -> None:
        """Wait until it is this one's turn."""

    async def step_aside(self) -> bool:
        """Let others have the slot; whether it may."""

    async def come_back(self) -> None:
        """Take a slot again, or a place at the end of the queue."""

    def leave(self) -> None:
        """Give it back. May be called again."""


class Admission(Protocol):
    """Lets runs begin."""

    async def enter(self, caller: Caller | None) -> RunPlace:
        """Take a slot, or a place in the queue; of a caller, its budget is looked at first.

        Raises:
            RefusedError: there is no place left, the budget is used up, or the server ends.
        """

    def used(self, caller: Caller, use: RunUse) -> None:
        """Count what a run took."""

    async def figures(self) -> tuple[Figures, Slots]:
        """What was done, and how the slots stand."""


class OwnAdmission:
    """The admission of a server of one process.

    Args:
        slots: its slots.
        meter: what callers use.
        figures: what is counted.
    """

    def __init__(self, slots: Slots, meter: Budgets, figures: Figures) -> None:
        self._slots, self._meter, self._figures = slots, meter, figures

    async def enter(self, caller: Caller | None) -> QueuePlace:
        """Take a slot, or a place in the queue."""
        return self.enter_now(caller)

    def enter_now(self, caller: Caller | None) -> QueuePlace:
        """Likewise."""
        if caller is not None:
            self._meter.begin(caller)
        return self._slots.enter()

    def used(self, caller: Caller, use: RunUse) -> None:
        """Count what a run took."""
        self._slots.took(use.seconds)
        self._meter.spent(caller, use.tokens.total, use.seconds)
        self._figures.ended(use)

    async def figures(self) -> tuple[Figures, Slots]:
        """What was done, and how the slots stand."""
        return self._figures, self._slots
