"""Streams of a model server over aiohttp, below `openai`'s client.

The client builds every request anew, with ids, counts of tries and copies of its options, httpx
does it once more, and httpcore and h11 read the answer in Python: for a short answer that is more
than half of what a request costs here. What goes over the wire is the same, and so is what is
raised; where a proxy may stand between, httpx is asked as before.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.request import getproxies

import aiohttp
import httpx
from openai import APIConnectionError, APITimeoutError, AsyncOpenAI, AsyncStream
from openai._models import FinalRequestOptions

from patchbay.nodes.models.servers.openai.each_loop import KEPT_S, OfEachLoop
from patchbay.nodes.models.servers.openai.plain_streams import PATH
from patchbay.nodes.models.servers.openai.stream import look_async


class QuickPost:
    """Asks for streams.

    Args:
        client: whose keys, headers and errors they have.
        strip: takes out of a request what the server is not to get.
        settings: `timeout` and `verify`, as httpx takes them.
    """

    def __init__(
        self,
        client: AsyncOpenAI,
        strip: Callable[[httpx.Request], None],
        settings: Mapping[str, Any],
    ) -> None:
        self._client, self._strip = client, strip
        self._timeout: httpx.Timeout = settings["timeout"]
        self._verify = settings["verify"]
        self._requests: dict[str, httpx.Request] = {}
        self._of = OfEachLoop[_Connections]()

    async def stream(
        self, body: Mapping[str, Any], more: Mapping[str, Any] | None = None
    ) -> AsyncStream[object]:
        """The chunks of an answer, as plain JSON.

        Args:
            body: what is asked.
            more: goes into the body as well.

        Raises:
            OpenAIError: what `openai` would raise.
        """
        data = json.dumps(
            {**body, **(more or {})}, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        ).encode()
        request = self._requests.get(self._at())
        if request is None:  # the client asks the system what it is, and that blocks
            request = await asyncio.to_thread(self._request)
        try:
            response = await self._sent(request, data)
        except httpx.TimeoutException as error:
            raise APITimeoutError(request=request) from error
        except Exception as error:
            raise APIConnectionError(request=request) from error
        if not response.is_success:
            await response.aread()
            raise self._client._make_status_error_from_response(response) from None
        return AsyncStream(cast_to=object, response=response, client=self._client)

    def close(self) -> None:
        """Let go of the connections, in whatever thread this is."""
        for loop, connections in list(self._of.items()):
            if not loop.is_closed():  # else they are gone with it
                asyncio.run_coroutine_threadsafe(connections.close(), loop)
        self._of.clear()

    def _request(self) -> httpx.Request:
        """The request, without a body: it is the same each time."""
        options = FinalRequestOptions(method="post", url=PATH, json_data={})
        made: httpx.Request = self._client._build_request(options)
        self._strip(made)
        self._requests = {self._at(): made}
        return made

    def _at(self) -> str:
        return str(self._client.base_url)

    async def _sent(self, request: httpx.Request, data: bytes) -> httpx.Response:
        connections = self._of.here(lambda: _Connections(self._timeout, self._verify))
        wrong: Exception | None = None
        try:
            answer = await connections.post(request, data)
        except (aiohttp.ClientError, OSError) as error:
            wrong = as_httpx(error)
        if wrong is not None:
            raise wrong
        response = httpx.Response(
            answer.status, headers=answer.raw_headers, stream=_Body(answer), request=request
        )
        await look_async(response)
        return response


class _Connections:
    """The connections of one event loop."""

    def __init__(self, timeout: httpx.Timeout, verify: Any) -> None:
        self._connector = _Connector(limit=0, keepalive_timeout=KEPT_S, ssl=verify)
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=timeout.connect, sock_read=timeout.read
        )

    async def post(self, request: httpx.Request, data: bytes) -> aiohttp.ClientResponse:
        """Send a request with a body."""
        # One that nobody closed would complain when it goes, so that none is kept.
        session = aiohttp.ClientSession(
            connector=self._connector, connector_owner=False, timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False,
        )  # fmt: skip
        own = ("host", "content-length", "connection")  # aiohttp says these itself
        headers = [(n, v) for n, v in request.headers.multi_items() if n not in own]
        try:
            return await session.post(
                str(request.url), data=data, headers=headers, allow_redirects=False
            )
        finally:
            session.detach()

    async def close(self) -> None:
        """Close them."""
        await self._connector.close()


class _Connector(aiohttp.TCPConnector):
    def __del__(self, _warnings: Any = None) -> None:
        """Complain of nothing: it goes with its loop, where the model was not closed before."""


class _Body(httpx.AsyncByteStream):
    """What comes of an answer."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        wrong: Exception | None = None
        try:
            async for part in self._answer.content.iter_any():
                yield part
        except (aiohttp.ClientError, OSError) as error:
            wrong = as_httpx(error)
        if wrong is not None:
            raise wrong

    async def aclose(self) -> None:
        """Close it. The connection is kept where all was read."""
        self._answer.close()


def as_httpx(error: Exception) -> Exception:
    """What httpx would raise in place of an error of aiohttp: that is what is put into words.

    To be raised outside of `except`. Below aiohttp's errors are some of its own with a `code` of
    400, which nobody has answered.
    """
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout(str(error))
    if isinstance(error, TimeoutError):
        return httpx.ReadTimeout(str(error))
    if isinstance(error, aiohttp.ClientConnectorError):
        made = httpx.ConnectError(str(error))
        made.__cause__ = error.os_error
        return made
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return httpx.RemoteProtocolError("Server disconnected without sending a response.")
    if isinstance(error, aiohttp.ClientPayloadError):
        return httpx.RemoteProtocolError("The server closed the connection within its answer.")
    return httpx.ReadError(str(error))


def no_proxy(trust_env: bool) -> bool:
    """Whether servers are certainly reached without a proxy."""
    return not trust_env or not getproxies()
