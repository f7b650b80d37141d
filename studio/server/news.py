"""What browsers are told as it happens: how runs go on, and that a flow has changed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from patchbay.studio.server.ending import ending
from patchbay.studio.server.grants import Grant

PULSE_S = 15.0
"""Seconds without news after which something is sent, so that a lost connection is noticed."""
GATHER_S = 0.03
"""Seconds during which news is gathered into one message."""


async def news(grant: Grant) -> AsyncIterator[list[dict[str, Any]]]:
    """Batches of messages as they happen, until the server ends; an empty one when it was quiet for
    long."""
    queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def put(message: dict[str, Any] | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(queue.put_nowait, message)

    ways_out = [_subscribe(grant, put), ending.hear(lambda: put(None))]
    try:
        while True:
            try:
                gathered = [await asyncio.wait_for(queue.get(), PULSE_S)]
            except TimeoutError:
                yield []
                continue
            await asyncio.sleep(GATHER_S)
            while not queue.empty():
                gathered.append(queue.get_nowait())
            if batch := [message for message in gathered if message is not None]:
                yield merged(batch)
            if None in gathered:
                return
    finally:
        for way_out in ways_out:
            way_out()


def _subscribe(grant: Grant, put: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
    from patchbay.studio.server.services import services

    ways_out = [services().runner.subscribe(grant.document, grant.browser, put)]
    document = services().documents.by_id(grant.document)
    if document is not None:

        def changed() -> None:
            put(
                {
                    "revision": document.revision,
                    "saved": document.saved,
                    "conflict": document.conflict is not None,
                    "pins": document.pins.turn,
                }
            )

        changed()
        ways_out.append(document.subscribe(changed))

    def leave() -> None:
        for way_out in ways_out:
            way_out()

    return leave


def merged(batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same news in fewer messages: pieces of one text together, only the last revision."""
    result: list[dict[str, Any]] = []
    for message in batch:
        last = result[-1] if result else {}
        if "revision" in message and "revision" in last:
            result[-1] = message
        elif (
            "text" in message
            and "text" in last
            and message["node"] == last["node"]
            and "text_all" not in message
        ):
            result[-1] = {**last, **message, "text": last["text"] + message["text"]}
        else:
            result.append(message)
    return result
