"""MCP over streamable HTTP, at one address: in sessions, and for a single call without one."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from sse_starlette.sse import AppStatus

from patchbay.flows.server.core.event_stream import unless_gone
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.mcp.flow_tools import tool_server
from patchbay.flows.server.mcp.sessions import Sessions
from patchbay.flows.traces.trace_parent import INCOMING

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from patchbay.flows.server.core.keys import Caller

_IDLE_S = 1800.0
_SESSION = b"mcp-session-id"


class McpOverHttp:
    """The address. Runs as long as the block of `running`.

    Args:
        service: whose flows are the tools.
    """

    def __init__(self, service: FlowService) -> None:
        most = service.settings.body
        self._sessions = StreamableHTTPSessionManager(
            tool_server(service), session_idle_timeout=_IDLE_S, max_request_body_size=most
        )
        self._single = StreamableHTTPSessionManager(
            tool_server(service), stateless=True, json_response=True, max_request_body_size=most
        )
        self._known = Sessions()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve until the end of the block."""
        # Its streams end with their runs, which are given time to end.
        AppStatus.enable_automatic_graceful_drain = False
        async with self._sessions.run(), self._single.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request: one that neither has a session nor begins one is answered by itself."""
        scope = _of_caller(scope)
        INCOMING.set(None)  # each call of a session says its own
        session = next((v.decode("latin-1") for n, v in scope["headers"] if n == _SESSION), "")
        if session or scope["method"] != "POST":
            caller = scope["user"].username
            with self._known.using(session, caller):
                await self._sessions.handle_request(scope, receive, send)
            if scope["method"] == "DELETE":
                self._known.ended(session, caller)
            return
        body = await _whole(receive)
        begins = b'"initialize"' in body and _method(body) == "initialize"
        if begins:
            await self._begin(scope, _again(body, receive), send)
            return
        # Nobody can fetch the answer later: a caller who leaves ends what it asked for.
        asked = self._single.handle_request(scope, _again(body, receive), send)
        answering = asyncio.ensure_future(asked)
        try:
            if await unless_gone(receive, answering):
                answering.result()
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    async def _begin(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin a session, and end what the caller has left lying of too many."""
        caller = scope["user"].username
        for old in self._known.too_many(caller):
            headers = [(_SESSION, old.encode("latin-1"))]
            end = {**scope, "method": "DELETE", "headers": headers}
            await self._sessions.handle_request(end, _again(b"", receive), _to_nobody)
            self._known.ended(old, caller)

        async def noted(message: Message) -> None:
            for name, value in message.get("headers", ()):
                if name.lower() == _SESSION:
                    self._known.begun(value.decode("latin-1"), caller)
            await send(message)

        await self._sessions.handle_request(scope, receive, noted)


async def _to_nobody(_: Message) -> None:
    pass


def _of_caller(scope: Scope) -> Scope:
    """The request as one of its caller, as the library knows callers: a session is of the one who
    began it, and is not there for others."""
    caller: Caller | None = scope.get("caller")
    name = caller.name if caller is not None else ""
    return {**scope, "user": AuthenticatedUser(AccessToken(token="", client_id=name, scopes=[]))}


def _method(body: bytes) -> Any:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found.get("method") if isinstance(found, dict) else None


async def _whole(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    given: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def first() -> Message:
        return given.pop() if given else await receive()

    return first
