"""The line of requests that wait for one of a resource's slots, first come, first served.

A resource outlives event loops and is shared by several, so a lock guards the line and each request
waits on a future of its own loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

Nearer = Callable[[int], None]
"""Hears how far back a request stands: 1 is next in line."""


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A place in the line, and who stands there."""

    loop: asyncio.AbstractEventLoop
    turn: asyncio.Future[None]
    nearer: Nearer


@dataclass(slots=True)
class SlotLine:
    """Who holds a slot, and who waits for one."""

    busy: int = 0
    waiting: deque[_Place] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def take(self, slots: int | None, nearer: Nearer) -> None:
        """Take a slot, or wait for one; `free` gives it back.

        Args:
            slots: how many there are; None where there is no end of them.
            nearer: called at once by who has to wait, and again whenever it comes nearer, on its
                own loop.
        """
        loop = asyncio.get_running_loop()
        with self._lock:
            if slots is None or self.busy < slots:
                self.busy += 1
                return
            turn: asyncio.Future[None] = loop.create_future()
            place = _Place(loop, turn, nearer)
            self.waiting.append(place)
            position = len(self.waiting)
        nearer(position)
        try:
            await turn
        except asyncio.CancelledError:
            with self._lock:
                if place in self.waiting:
                    behind = self.waiting.index(place)
                    self.waiting.remove(place)
                    self._move_up(behind)
                    raise
            self.free()  # the slot was handed over just as we left
            raise

    def free(self) -> None:
        """Give a slot back: to the first who waits, where somebody does."""
        with self._lock:
            while self.waiting:
                first = self.waiting.popleft()
                try:
                    first.loop.call_soon_threadsafe(_grant, first.turn)
                except RuntimeError:
                    continue  # that loop has closed; the next in line takes the slot
                self._move_up()
                return
            self.busy -= 1

    def _move_up(self, behind: int = 0) -> None:
        """Tell those who wait that they come sooner: all at `behind` (from 0) or later."""
        for position, place in list(enumerate(self.waiting, 1))[behind:]:
            with contextlib.suppress(RuntimeError):  # that loop has closed
                place.loop.call_soon_threadsafe(_tell, place, position)


def _tell(place: _Place, position: int) -> None:
    if not place.turn.done():
        place.nearer(position)


def _grant(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
