"""Runs that begin at once begin one after another.

The steps of tasks take turns. Where 32 runs begin together, each step of one waits for a step of
all others, so that the last of them asks its model as late as the first, and all hear from it
together again: the model waits while they are all busy, and they while it is. One after another,
the first has asked before the second begins.
"""

from __future__ import annotations

import asyncio
from collections import deque

_STEPS = 10
"""Turns of the loop that a run has for itself: so many a flow of a few nodes takes until it waits
for something outside."""


class OneByOne:
    """Lets one after another begin, each for some turns of the loop."""

    def __init__(self) -> None:
        self._busy = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def turn(self) -> None:
        """Wait until those who came before have had their turns."""
        loop = asyncio.get_running_loop()
        if self._busy:
            mine: asyncio.Future[None] = loop.create_future()
            self._waiting.append(mine)
            try:
                await mine
            except asyncio.CancelledError:  # while it waited, or when its turn had just come
                if not mine.cancelled():
                    self._count(loop, 0)
                raise
        self._busy = True
        self._count(loop, _STEPS)

    def _count(self, loop: asyncio.AbstractEventLoop, left: int) -> None:
        if left:
            loop.call_soon(self._count, loop, left - 1)
            return
        while self._waiting:
            coming = self._waiting.popleft()
            if not coming.done():
                coming.set_result(None)
                return
        self._busy = False
