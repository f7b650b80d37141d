"""What happens in other threads, for a stream to a page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Generic, Self, TypeVar

from patchbay.studio.server.ending import ending

PULSE_S = 15.0
"""Seconds without news after which something is sent, so that a lost connection is noticed."""
GATHER_S = 0.03
"""Seconds during which news is gathered into one batch."""

T = TypeVar("T")


def _always(_: object) -> bool:
    return True


class NewsQueue(Generic[T]):
    """Gathers what other threads put in, until the server ends. It belongs to the loop that runs
    where it is entered."""

    def __enter__(self) -> Self:
        self._queue: asyncio.Queue[T | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._over = False
        self._hear_no_more = ending.hear(lambda: self._put(None))
        return self

    def __exit__(self, *_: object) -> None:
        self._hear_no_more()

    def put(self, message: T) -> None:
        """Take in a message, from any thread."""
        self._put(message)

    def _put(self, message: T | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._queue.put_nowait, message)

    async def batch(self, gathers: Callable[[T], bool] = _always) -> list[T] | None:
        """Wait for the next messages.

        Args:
            gathers: whether more is waited for behind such a first one.

        Returns:
            The messages; none where it was quiet for long. None where no more will come.
        """
        if self._over:
            return None
        try:
            first = await asyncio.wait_for(self._queue.get(), PULSE_S)
        except TimeoutError:
            return []
        if first is not None and gathers(first):
            await asyncio.sleep(GATHER_S)
        came = [first]
        while not self._queue.empty():
            came.append(self._queue.get_nowait())
        self._over = None in came
        return [message for message in came if message is not None] or None
