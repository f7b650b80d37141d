"""Streams of `openai`'s client as plain JSON, and connections that are kept.

The client checks every field of a request against types that it looks up anew for each, and makes
objects of every chunk, which LangChain turns back into JSON: more than half of what a call costs
here. Its own `post` does neither, and keeps the rest: keys, errors, server-sent events.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import httpx
from openai import AsyncStream, Stream

from patchbay.nodes.models.servers.openai.each_loop import KEPT_S, OfEachLoop

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.openai.quick_post import QuickPost

_OF_THE_REQUEST = ("extra_headers", "extra_query", "timeout")
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
            PATH, **_asked(payload), cast_to=object, stream=True, stream_cls=self._streams
        )

    _streams: Any = Stream[object]


class PlainAsyncStreams(PlainStreams):
    """Likewise, of an asynchronous client: `create` gives what is awaited for the stream.

    Args:
        completions: what it stands in for.
        quick: asks for streams in its place, where it can.
    """

    _streams = AsyncStream[object]

    def __init__(self, completions: Any, quick: QuickPost | None = None) -> None:
        super().__init__(completions)
        self._quick = quick

    def create(self, **payload: Any) -> Any:
        """Likewise."""
        plain = payload.get("stream") and not any(payload.get(n) for n in _OF_THE_REQUEST)
        if self._quick is None or not plain:
            return super().create(**payload)
        asked = _asked(payload)
        return self._quick.stream(asked["body"], asked["options"].get("extra_json"))


PATH = "/chat/completions"


def _asked(payload: dict[str, Any]) -> dict[str, Any]:
    said = {to: payload.pop(name, None) for name, to in _ABOUT.items()}
    options = {to: value for to, value in said.items() if value}
    if "timeout" in payload:
        options["timeout"] = payload.pop("timeout")
    return {"body": payload, "options": options}


class ClientOfEachLoop(httpx.AsyncClient):
    """A client for each request at work, whose connection is kept for the next request; those of
    each event loop apart.

    An opened model outlives the loop that a run of it had, and a connection does not. And a client
    that has many requests at work looks through all its connections for each of them, and closes
    those that it could keep, since it counts those at work among them (httpcore 1.0.9).

    Args:
        make: makes a client.
        settings: what requests are built with.
    """

    def __init__(self, make: Callable[[], httpx.AsyncClient], **settings: Any) -> None:
        super().__init__(**settings)
        self._make = make
        self._of = OfEachLoop[FreeClients]()

    async def send(self, request: httpx.Request, **more: Any) -> httpx.Response:
        """Send a request over a connection of the loop at hand."""
        free = self._of.here(lambda: FreeClients(self._make))
        client = await free.take()
        try:
            answer = await client.send(request, **more)
        except BaseException:
            free.give(client)
            raise
        if answer.is_closed or not isinstance(answer.stream, httpx.AsyncByteStream):
            free.give(client)
        else:
            answer.stream = _Lent(answer.stream, lambda: free.give(client))
        return answer


class FreeClients:
    """Clients without a request, the one that had one last at the end.

    Args:
        make: makes another.
    """

    def __init__(self, make: Callable[[], httpx.AsyncClient]) -> None:
        self._make = make
        self._free: deque[tuple[float, httpx.AsyncClient]] = deque()

    async def take(self) -> httpx.AsyncClient:
        """One of them, or a new one. Those that nobody wanted for a while are closed: so would
        their servers do."""
        late = time.monotonic() - KEPT_S
        while self._free and self._free[0][0] < late:
            await self._free.popleft()[1].aclose()
        return self._free.pop()[1] if self._free else self._make()

    def give(self, client: httpx.AsyncClient) -> None:
        """One that is free again."""
        self._free.append((time.monotonic(), client))


class _Lent(httpx.AsyncByteStream):
    """A body, at whose end its client is free again."""

    def __init__(self, inner: httpx.AsyncByteStream, over: Callable[[], None]) -> None:
        self._inner, self._over = inner, over
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._inner:
            yield part

    async def aclose(self) -> None:
        """Close it."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._inner.aclose()
        finally:
            self._over()
