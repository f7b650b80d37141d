"""What a browser asks while a node is looked at: guarded like everything else of an open flow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from patchbay.studio.server.grants import granted

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from patchbay.studio.documents.document import FlowDocument


def routes(base: str = "") -> list[BaseRoute]:
    """The routes, below the app's base path."""
    from starlette.routing import Route

    prefix = f"/{base.strip('/')}" if base.strip("/") else ""
    return [
        Route(f"{prefix}/patchbay/node", node, methods=["GET"]),
        Route(f"{prefix}/patchbay/choices", choices, methods=["GET"]),
        Route(f"{prefix}/patchbay/problems", problems, methods=["GET"]),
        Route(f"{prefix}/patchbay/flows", flows, methods=["GET"]),
    ]


async def node(request: Request) -> Response:
    """`GET …/patchbay/node?doc=…&token=…&node=…`: `known_of` the node, or of the flow."""
    from patchbay.studio.inspector.known import known_of

    wanted = request.query_params.get("node", "")
    return await _answer(request, lambda document: known_of(document, wanted))


async def choices(request: Request) -> Response:
    """`GET …/patchbay/choices?doc=…&token=…&node=…&param=…`: asks a server; see `asked`."""
    from patchbay.studio.inspector.known import asked

    query = request.query_params
    return await _answer(
        request, lambda document: asked(document, query.get("node", ""), query.get("param", ""))
    )


async def problems(request: Request) -> Response:
    """`GET …/patchbay/problems?doc=…&token=…`: `found_in` the flow."""
    from patchbay.studio.inspector.mending import found_in

    return await _answer(request, found_in)


async def flows(request: Request) -> Response:
    """`GET …/patchbay/flows?doc=…&token=…`: what else can be opened; see `openable`."""
    from patchbay.studio.inspector.elsewhere import openable

    return await _answer(request, lambda _: openable())


async def _answer(request: Request, find: Callable[[FlowDocument], dict[str, Any]]) -> Response:
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import PlainTextResponse
    from starlette.responses import Response as Plain

    from patchbay.studio.server.services import services

    grant = granted(request)
    if grant is None:
        return PlainTextResponse("Not for you.", status_code=403)
    document = services().documents.by_id(grant.document)
    if document is None:
        return PlainTextResponse("This flow is not open.", status_code=404)
    found = await run_in_threadpool(find, document)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    text = json.dumps(found, ensure_ascii=False)
    return Plain(text, media_type="application/json", headers=headers)
