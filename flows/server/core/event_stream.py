"""Server-sent events (WHATWG HTML, section 9.2): written, and sent until the reader has gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

PING = b": ping\n\n"
_AT_ONCE_S = 0.02
"""What takes no longer is not watched for a caller who leaves: that costs more than it does."""
_STALLED_S = 60.0
"""A reader who takes nothing for so long is gone, in seconds."""


def event(data: Any, type: str = "", id: str = "") -> bytes:
    """One event. Data that is no text is written as JSON, which has no line ends."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    lines = [f"id: {id}"] if id else []
    if type:
        lines.append(f"event: {type}")
    lines += [f"data: {line}" for line in text.split("\n")]
    return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")


class EventStream(Response):
    """Sends pieces as they come. Whatever happens, the source is closed in the end.

    Args:
        pieces: what is sent.
        headers: more headers.
    """

    media_type = "text/event-stream"

    def __init__(
        self, pieces: AsyncGenerator[bytes, None], headers: Mapping[str, str] | None = None
    ) -> None:
        self._pieces = pieces
        self.status_code = 200
        self.background = None
        self.init_headers(
            {"cache-control": "no-store", "x-accel-buffering": "no", **(headers or {})}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(gone(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not sending.cancelled():
                with contextlib.suppress(OSError, TimeoutError):  # the reader has gone
                    sending.result()
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await self._pieces.aclose()

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        async for piece in self._pieces:
            async with asyncio.timeout(_STALLED_S):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def gone(receive: Receive) -> None:
    """Wait until the caller has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_gone(receive: Receive, task: asyncio.Task[Any] | None) -> bool:
    """Wait for a task, or until the caller has gone. Whether the caller is still there. Without a
    task there is nothing to wait for."""
    if task is None:
        return True
    await asyncio.wait({task}, timeout=_AT_ONCE_S)
    if task.done():
        return True
    leaving = asyncio.ensure_future(gone(receive))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return task.done()
    finally:
        leaving.cancel()
