"""What browsers are told as it happens: how runs go on, and that a flow has changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from patchbay.studio.server.grants import Grant
from patchbay.studio.server.news_queue import NewsQueue


async def news(grant: Grant) -> AsyncIterator[list[dict[str, Any]]]:
    """Batches of messages as they happen, until the server ends; an empty one when it was quiet for
    long."""
    with NewsQueue[dict[str, Any]]() as queue:
        leave = _subscribe(grant, queue.put)
        try:
            while (batch := await queue.batch()) is not None:
                yield merged(batch)
        finally:
            leave()


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
