"""Streams of `openai`'s client as plain JSON, and connections that are kept.

The client checks every field of a request against types that it looks up anew for each, and makes
objects of every chunk, which LangChain turns back into JSON: more than half of what a call costs
here. Its own `post` does neither, and keeps the rest: keys, errors, server-sent events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import httpx
from openai import AsyncStream, Stream

_ABOUT = {"extra_headers": "headers", "extra_query": "params", "extra_body": "extra_json"}
"""What a call may say about its request, and how `post` calls it."""


class PlainStreams:
    """Stands in for `client.chat.completions`.

    Args:
        completions: what it stands in for.
    """

    def __init__(self, completions: Any) -> None:
        self._completions = completions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._completions, name)

    def create(self, **payload: Any) -> Any:
        """A stream of dicts where a stream is asked for; else what the client gives."""
        if not payload.get("stream"):
            return self._completions.create(**payload)
        return self._completions._client.post(
            _PATH, **_asked(payload), cast_to=object, stream=True, stream_cls=self._streams
        )

    _streams: Any = Stream[object]


class PlainAsyncStreams(PlainStreams):
    """Likewise, of an asynchronous client: `create` gives what is awaited for the stream."""

    _streams = AsyncStream[object]


_PATH = "/chat/completions"


def _asked(payload: dict[str, Any]) -> dict[str, Any]:
    said = {to: payload.pop(name, None) for name, to in _ABOUT.items()}
    options = {to: value for to, value in said.items() if value}
    if "timeout" in payload:
        options["timeout"] = payload.pop("timeout")
    return {"body": payload, "options": options}


class ClientOfEachLoop(httpx.AsyncClient):
    """A client whose connections are kept for the next request, those of each event loop apart.

    An opened model outlives the loop that a run of it had, and a connection does not.

    Args:
        make: makes the client of a loop.
        settings: what requests are built with.
    """

    def __init__(self, make: Callable[[], httpx.AsyncClient], **settings: Any) -> None:
        super().__init__(**settings)
        self._make = make
        self._of: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient]
        self._of = WeakKeyDictionary()

    async def send(self, request: httpx.Request, **more: Any) -> httpx.Response:
        """Send a request over a connection of the loop at hand."""
        loop = asyncio.get_running_loop()
        client = self._of.get(loop)
        if client is None:
            # A connection holds its loop, so that none of those that are over would go by itself.
            for over in [one for one in self._of if one.is_closed()]:
                del self._of[over]
            client = self._of[loop] = self._make()
        return await client.send(request, **more)
