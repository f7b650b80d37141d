"""What browsers get beside the page: status of runs, that a flow has changed, a flow as a file.

Guarded like the page. Two routes tell the same: server-sent events for the canvas, and a web socket
for the panel beside it (browsers open few connections of the first kind to one server, and many of
the second).
A page gets a token for each flow it shows; the token works only for the browser it was given to.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from starlette.websockets import WebSocket

COOKIE = "patchbay_browser"
"""Names the browser, so that a person who returns finds their runs."""
PULSE_S = 15.0
"""Seconds without news after which something is sent, so that a lost connection is noticed."""
GATHER_S = 0.03
"""Seconds during which news is gathered into one message."""
TOKENS = 5000
_COOKIE_YEARS = 365 * 24 * 3600


# --- tokens -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token opens: news of one document for one browser."""

    document: str
    browser: str


class Tokens:
    """The tokens that were given out. The oldest are forgotten; a page then asks for another."""

    def __init__(self, limit: int = TOKENS) -> None:
        self._grants: OrderedDict[str, Grant] = OrderedDict()
        self._limit, self._lock = limit, threading.Lock()

    def issue(self, document: str, browser: str) -> str:
        """A token for this browser and document."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._grants[token] = Grant(document, browser)
            while len(self._grants) > self._limit:
                self._grants.popitem(last=False)
        return token

    def check(self, token: str, document: str, browser: str) -> Grant | None:
        """The grant, if this browser holds it for this document."""
        with self._lock:
            grant = self._grants.get(token)
        if grant is None or not hmac.compare_digest(grant.document, document):
            return None
        return grant if hmac.compare_digest(grant.browser, browser) else None


tokens = Tokens()


# --- the routes ---------------------------------------------------------------------------------


def routes(base: str = "") -> list[BaseRoute]:
    """The push routes and the export, below the app's base path."""
    from starlette.routing import Route, WebSocketRoute

    prefix = f"/{base.strip('/')}" if base.strip("/") else ""
    return [
        Route(f"{prefix}/patchbay/events", server_sent_events, methods=["GET"]),
        WebSocketRoute(f"{prefix}/patchbay/live", web_socket),
        Route(f"{prefix}/patchbay/export", exported, methods=["GET"]),
    ]


def granted(connection: HTTPConnection) -> Grant | None:
    """What a connection may hear: same origin, and a token that was given to this browser."""
    if not same_origin(connection):
        return None
    query = connection.query_params
    browser = connection.cookies.get(COOKIE, "")
    return tokens.check(query.get("token", ""), query.get("doc", ""), browser)


def same_origin(connection: HTTPConnection) -> bool:
    """Whether the request comes from a page of this very server."""
    headers = connection.headers
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


async def server_sent_events(request: Request) -> Response:
    """`GET …/patchbay/events?doc=…&token=…`."""
    from starlette.responses import PlainTextResponse, StreamingResponse

    grant = granted(request)
    if grant is None:
        return PlainTextResponse("Not for you.", status_code=403)

    async def body() -> AsyncIterator[str]:
        async for batch in news(grant):
            yield "".join(f"data: {_json(message)}\n\n" for message in batch) or ": still here\n\n"

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(body(), media_type="text/event-stream", headers=headers)


async def exported(request: Request) -> Response:
    """`GET …/patchbay/export?doc=…&token=…&as=json|png|svg`: the flow as a file."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import PlainTextResponse
    from starlette.responses import Response as Plain

    from patchbay.flows.problems import FlowError
    from patchbay.studio.documents.document import document_by_id
    from patchbay.studio.documents.export import MEDIA, export
    from patchbay.studio.server.services import services

    grant = granted(request)
    if grant is None:
        return PlainTextResponse("Not for you.", status_code=403)
    document, form = document_by_id(grant.document), request.query_params.get("as")
    if document is None or form not in MEDIA:
        return PlainTextResponse("There is no such export.", status_code=404)
    try:
        made = await run_in_threadpool(export, document, form, services().catalog)
    except FlowError as error:
        return PlainTextResponse(str(error), status_code=409)
    headers = {
        "Content-Disposition": f'attachment; filename="{made.name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Plain(made.data, media_type=made.media, headers=headers)


async def web_socket(socket: WebSocket) -> None:
    """The same over a web socket, each message a list."""
    from starlette.websockets import WebSocketDisconnect

    grant = granted(socket)
    if grant is None or socket.headers.get("origin") is None:
        await socket.close(code=1008)
        return
    await socket.accept()

    async def send() -> None:
        async for batch in news(grant):
            await socket.send_text(_json(batch))

    sending = asyncio.ensure_future(send())
    try:
        while True:  # nothing is expected; this is how a closed page is noticed
            await socket.receive_text()
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, RuntimeError, WebSocketDisconnect):
            await sending


async def news(grant: Grant) -> AsyncIterator[list[dict[str, Any]]]:
    """Batches of messages as they happen; an empty one when it was quiet for long."""
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def put(message: dict[str, Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(queue.put_nowait, message)

    leave = _subscribe(grant, put)
    try:
        while True:
            try:
                batch = [await asyncio.wait_for(queue.get(), PULSE_S)]
            except TimeoutError:
                yield []
                continue
            await asyncio.sleep(GATHER_S)
            while not queue.empty():
                batch.append(queue.get_nowait())
            yield merged(batch)
    finally:
        leave()


def _subscribe(grant: Grant, put: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
    from patchbay.studio.documents.document import document_by_id
    from patchbay.studio.server.services import services

    ways_out = [services().runner.subscribe(grant.document, grant.browser, put)]
    document = document_by_id(grant.document)
    if document is not None:

        def changed() -> None:
            put(
                {
                    "revision": document.revision,
                    "saved": document.saved,
                    "conflict": document.conflict is not None,
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


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


# --- who is there -------------------------------------------------------------------------------


class BrowserCookie:
    """ASGI middleware that gives every browser a name, in a cookie no script can read.

    Args:
        app: what it wraps.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through; add the cookie to pages where it is missing."""
        if scope["type"] != "http" or _has_cookie(scope):
            await self._app(scope, receive, send)
            return

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                secure = "; Secure" if scope.get("scheme") == "https" else ""
                value = (
                    f"{COOKIE}={secrets.token_urlsafe(18)}; Path=/; HttpOnly; SameSite=Lax; "
                    f"Max-Age={_COOKIE_YEARS}{secure}"
                )
                message = {**message, "headers": [*message.get("headers", [])]}
                message["headers"].append((b"set-cookie", value.encode()))
            await send(message)

        await self._app(scope, receive, with_cookie)


def _has_cookie(scope: Scope) -> bool:
    sent = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    return re.search(rb"(^|;\s*)" + COOKIE.encode() + rb"=[\w-]{16,}", sent) is not None


def _is_page(message: Message) -> bool:
    headers = dict(message.get("headers", []))
    return bool(headers.get(b"content-type", b"").startswith(b"text/html"))
