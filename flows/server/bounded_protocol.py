"""HTTP as uvicorn reads it, with an end to requests that never begin.

uvicorn 0.54 sets no limit to the head of a request where httptools reads it, in size (26 MB of it
were taken) nor in time: who has no key could hold memory and connections for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

_MOST_BESIDE = 65_536
"""Bytes of a request beside its body. What frames the pieces of a body may take as much again."""
_Base: Any = AutoHTTPProtocol
_COUNTS = hasattr(_Base, "on_message_begin")
"""Whether httptools reads; h11 has a limit of its own."""


class BoundedProtocol(_Base):
    """One connection.

    Args:
        slow_s: a connection without a request for so many seconds is closed.
    """

    def __init__(self, *args: Any, slow_s: float, **more: Any) -> None:
        super().__init__(*args, **more)
        self._slow_s = slow_s
        self._beside = self._body = 0
        self._last: Any = None
        self._look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Somebody connects."""
        super().connection_made(transport)
        self._look = self.loop.call_later(self._slow_s, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes come."""
        self._beside += len(data)
        super().data_received(data)
        if _COUNTS and self._beside > _MOST_BESIDE + 2 * self._body:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """A request begins, as httptools tells."""
        self._beside = self._body = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """A part of its body, which is counted elsewhere."""
        self._beside -= len(body)
        self._body += len(body)
        super().on_body(body)

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: whoever asks for a WebSocket gets an answer without one, and writes no log."""

    def _late(self) -> None:
        """Close it, unless a request is at work or has begun since the last look."""
        cycle = self.cycle
        if cycle is self._last and (cycle is None or cycle.response_complete):
            self.transport.abort()
            return
        self._last = cycle
        self._look = self.loop.call_later(self._slow_s, self._late)
