"""What each event loop has of its own, such as connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")

KEPT_S = 5.0
"""Seconds that a connection without a request is kept, as httpx does it."""


class OfEachLoop(WeakKeyDictionary[asyncio.AbstractEventLoop, T]):
    """By the loop; what those had that are over is let go when another comes."""

    def here(self, make: Callable[[], T]) -> T:
        """What the loop at hand has; made where it has nothing yet."""
        loop = asyncio.get_running_loop()
        found = self.get(loop)
        if found is None:
            # A connection holds its loop, so that none of those that are over would go by itself.
            for over in [one for one in self if one.is_closed()]:
                del self[over]
            found = self[loop] = make()
        return found
