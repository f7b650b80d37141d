"""What browsers get beside the page: status of runs, that a flow has changed, a flow as a file, the
pictures of flows, how many questions wait.

Guarded like the page. Two routes tell the same: server-sent events for the canvas, and a web socket
for the panel beside it (browsers open few connections of the first kind to one server, and many of
the second).
A page gets a token for each flow it shows; the token works only for the browser it was given to. A
count of a browser's own questions needs none, nor does a picture, whose name nobody can guess.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from patchbay.studio.server.base_path import prefix_of
from patchbay.studio.server.cookie import COOKIE
from patchbay.studio.server.grants import granted, same_origin
from patchbay.studio.server.news import news

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.websockets import WebSocket


def routes(base: str = "") -> list[BaseRoute]:
    """The push routes and the export, below the app's base path."""
    from starlette.routing import Route, WebSocketRoute

    prefix = prefix_of(base)
    return [
        Route(f"{prefix}/patchbay/events", server_sent_events, methods=["GET"]),
        WebSocketRoute(f"{prefix}/patchbay/live", web_socket),
        Route(f"{prefix}/patchbay/export", exported, methods=["GET"]),
        Route(f"{prefix}/patchbay/pictures/{{name}}", picture, methods=["GET"]),
        Route(f"{prefix}/patchbay/open-questions", open_questions, methods=["GET"]),
    ]


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
    from patchbay.studio.documents.export import MEDIA, export
    from patchbay.studio.server.services import services

    grant = granted(request)
    if grant is None:
        return PlainTextResponse("Not for you.", status_code=403)
    document, form = services().documents.by_id(grant.document), request.query_params.get("as")
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


async def picture(request: Request) -> Response:
    """`GET …/patchbay/pictures/NAME`: the picture of a flow for its card, as SVG."""
    from starlette.responses import PlainTextResponse
    from starlette.responses import Response as Plain

    from patchbay.studio.server.services import services

    found = services().cards.picture(request.path_params["name"])
    if found is None:
        return PlainTextResponse("There is no such picture.", status_code=404)
    headers = {
        "Cache-Control": "private, max-age=31536000, immutable",
        # Opened as a page of its own it may load nothing and run nothing.
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Plain(found, media_type="image/svg+xml", headers=headers)


async def open_questions(request: Request) -> Response:
    """`GET …/patchbay/open-questions`: how many wait for this browser, for every page to show."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse, PlainTextResponse

    from patchbay.nodes.home import home
    from patchbay.studio.server.open_questions import open_count

    if not same_origin(request):
        return PlainTextResponse("Not for you.", status_code=403)
    number = await run_in_threadpool(open_count, home(), request.cookies.get(COOKIE, ""))
    return JSONResponse({"open": number}, headers={"Cache-Control": "no-store"})


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


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
