"""What only another worker can answer goes there: runs that it has at work, sessions of MCP.

The system gives each connection to any worker. The id of a run says who has it, and so does that
of a session as callers see it. Each worker also listens on a socket that only this user can open.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.server.core.event_stream import gone
from patchbay.flows.server.core.owners import worker_of
from patchbay.flows.server.core.refusals import RefusedError, refused
from patchbay.flows.server.core.refusals import answer as refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("patchbay.serve")
SESSION = b"mcp-session-id"
_OURS = re.compile(rb"w(\d{1,4})-(.+)")
_OF_ALL = "/api/v1/chatmessage/abort/"
"""Stops what a chat has at work, wherever that is."""
_PASSED_ON = b"x-patchbay-passed-on"
_HOPS = {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade"}
"""Headers that are about one connection (RFC 9110, section 7.6.1)."""


def socket_of(folder: Path, worker: int) -> Path:
    """Where a worker listens for the others."""
    return folder / f"worker-{worker}.sock"


class Forwarding:
    """Sends requests to the worker that can answer them; all others go to the application.

    Args:
        app: the application of this worker, behind its gate.
        worker: the number of this one.
        folder: where the sockets of all workers are.
    """

    def __init__(self, app: ASGIApp, worker: int, folder: Path) -> None:
        self._app, self._worker, self._folder = app, worker, folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or have another worker answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "PUT" and scope["path"].startswith(_OF_ALL):
            await self._tell_others(scope)
        whose, headers = self._whose(scope)
        if whose is not None and whose != self._worker and socket_of(self._folder, whose).exists():
            body = await _body(receive)
            if body is None:
                return
            with contextlib.suppress(_NotThereError):
                await self._ask(whose, scope, body, receive, send)
                return
            receive = _again(body, receive)
        if scope["path"] == "/mcp":
            scope, send = {**scope, "headers": headers}, self._signed(send)
        await self._app(scope, receive, send)

    async def _tell_others(self, scope: Scope) -> None:
        """Pass on what any worker may have at work: nothing in it says which."""
        if any(name == _PASSED_ON for name, _ in scope["headers"]):
            return
        told = {**scope, "headers": [*scope["headers"], (_PASSED_ON, b"1")]}
        for path in self._folder.glob("worker-*.sock"):
            if path != socket_of(self._folder, self._worker):
                with contextlib.suppress(_NotThereError):
                    whose = int(path.stem.rpartition("-")[2])
                    await self._ask(whose, told, b"", _never, _to_nobody)

    def _whose(self, scope: Scope) -> tuple[int | None, list[tuple[bytes, bytes]]]:
        """Who can answer, and the headers as the application is to see them."""
        path: str = scope["path"]
        headers = list(scope["headers"])
        if path.startswith("/runs/"):
            return worker_of(path.split("/")[2]), headers
        if path != "/mcp":
            return None, headers
        whose = None
        for at, (name, value) in enumerate(headers):
            if name.lower() == SESSION and (found := _OURS.fullmatch(value)):
                whose, headers[at] = int(found[1]), (name, found[2])
        return whose, headers

    def _signed(self, send: Send) -> Send:
        """Has the id of a session say whose it is."""
        mine = f"w{self._worker}-".encode()

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [
                    (name, mine + value if name.lower() == SESSION else value)
                    for name, value in message.get("headers", ())
                ]
                message = {**message, "headers": headers}
            await send(message)

        return told

    async def _ask(
        self, whose: int, scope: Scope, body: bytes, receive: Receive, send: Send
    ) -> None:
        import httpx

        # Nothing is encrypted on the way; reading certificates would take longer than all the rest.
        transport = httpx.AsyncHTTPTransport(verify=False, uds=str(socket_of(self._folder, whose)))
        path = scope.get("raw_path") or scope["path"].encode()
        query = scope.get("query_string", b"")
        target = path.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
        headers = [(n, v) for n, v in scope["headers"] if n.lower() not in _HOPS]
        async with httpx.AsyncClient(transport=transport, timeout=None) as client:  # noqa: S113
            request = client.build_request(scope["method"], f"http://worker{target}", content=body)
            given = {n.lower() for n, _ in headers}
            own = [(n, v) for n, v in request.headers.raw if n.lower() == b"content-length"]
            request.headers = httpx.Headers(
                [*headers, *(h for h in own if h[0].lower() not in given)]
            )
            try:
                answer = await client.send(request, stream=True)
            except httpx.ConnectError as error:
                log.warning("worker %d does not answer: %s", whose, error)
                raise _NotThereError from None
            except httpx.TransportError as error:  # it may have done what it was asked
                log.warning("worker %d ended before it answered: %s", whose, error)
                await refusal(_ended())(scope, receive, send)
                return
            try:
                await _passed_on(answer, receive, send)
            finally:
                await answer.aclose()


async def _never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def _to_nobody(_: Message) -> None:
    pass


class _NotThereError(Exception):
    """The worker is gone, perhaps to come back: this one answers from what is recorded."""


def _ended() -> RefusedError:
    return refused(
        503,
        "serve/worker-ended",
        "The process that has this run ended before it answered.",
        "Look at how the run stands, then try again: the process is started anew by itself.",
        retry_s=2,
    )


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where the caller has gone before it came."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives a body that has been read once more, then what comes."""
    left = [body]

    async def given() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return given


async def _passed_on(answer: Any, receive: Receive, send: Send) -> None:
    """Pass an answer on, until it ends or the caller has gone."""
    headers = [(n, v) for n, v in answer.headers.raw if n.lower() not in _HOPS]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    sending = asyncio.ensure_future(_sent(answer.aiter_raw(), send))
    leaving = asyncio.ensure_future(gone(receive))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    finally:
        for task in (sending, leaving):
            task.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)


async def _sent(pieces: AsyncIterator[bytes], send: Send) -> None:
    async for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
