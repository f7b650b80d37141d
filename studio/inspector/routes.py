"""What a browser asks while a node is looked at: guarded like everything else of an open flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from patchbay.studio.server.asking import body_within, flow_asked_for
from patchbay.studio.server.base_path import prefix_of
from patchbay.studio.server.json_answer import as_json

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from patchbay.studio.documents.document import FlowDocument


def routes(base: str = "") -> list[BaseRoute]:
    """The routes, below the app's base path."""
    from starlette.routing import Route

    prefix = prefix_of(base)
    return [
        Route(f"{prefix}/patchbay/node", node, methods=["GET"]),
        Route(f"{prefix}/patchbay/choices", choices, methods=["GET"]),
        Route(f"{prefix}/patchbay/problems", problems, methods=["GET"]),
        Route(f"{prefix}/patchbay/flows", flows, methods=["GET"]),
        Route(f"{prefix}/patchbay/values", values, methods=["GET"]),
        Route(f"{prefix}/patchbay/value", value, methods=["GET"]),
        Route(f"{prefix}/patchbay/files", zipped, methods=["GET"]),
        Route(f"{prefix}/patchbay/step", step, methods=["GET"]),
        Route(f"{prefix}/patchbay/tokens", tokens, methods=["POST"]),
        Route(f"{prefix}/patchbay/pin", pin, methods=["GET"]),
        Route(f"{prefix}/patchbay/pins", pins, methods=["POST"]),
    ]


async def node(request: Request) -> Response:
    """`GET …/patchbay/node?doc=…&token=…&node=…`: `known_of` the node, or of the flow."""
    from patchbay.studio.inspector.known import known_of

    wanted = request.query_params.get("node", "")
    return await answer_with(request, lambda document, _: known_of(document, wanted))


async def choices(request: Request) -> Response:
    """`GET …/patchbay/choices?doc=…&token=…&node=…&param=…`: asks a server; see `asked`."""
    from patchbay.studio.inspector.known import asked

    query = request.query_params
    return await answer_with(
        request, lambda document, _: asked(document, query.get("node", ""), query.get("param", ""))
    )


async def problems(request: Request) -> Response:
    """`GET …/patchbay/problems?doc=…&token=…`: `found_in` the flow."""
    from patchbay.studio.inspector.offered_fixes import found_in

    return await answer_with(request, lambda document, _: found_in(document))


async def flows(request: Request) -> Response:
    """`GET …/patchbay/flows?doc=…&token=…`: what else can be opened; see `openable`."""
    from patchbay.studio.inspector.elsewhere import openable

    return await answer_with(request, lambda _, __: openable())


async def values(request: Request) -> Response:
    """`GET …/patchbay/values?doc=…&token=…&node=…`: `values_of` the node in the last run."""
    from patchbay.studio.inspector.values import values_of

    wanted = request.query_params.get("node", "")
    return await answer_with(
        request, lambda document, browser: values_of(document, browser, wanted)
    )


async def value(request: Request) -> Response:
    """`GET …/patchbay/value?doc=…&token=…&node=…&side=…&port=…[&brief=1]`: `value_of` it."""
    from patchbay.studio.inspector.values import value_of

    query = request.query_params
    place = query.get("node", ""), query.get("side", ""), query.get("port", "")
    brief = bool(query.get("brief"))
    return await answer_with(
        request, lambda document, browser: value_of(document, browser, *place, brief)
    )


async def zipped(request: Request) -> Response:
    """`GET …/patchbay/files?doc=…&token=…&node=…&side=…&port=…`: files of a run as one archive."""
    from starlette.responses import PlainTextResponse
    from starlette.responses import Response as Plain

    from patchbay.studio.inspector.values import archive_of

    query = request.query_params
    place = query.get("node", ""), query.get("side", ""), query.get("port", "")
    found = await _found(request, lambda document, browser: archive_of(document, browser, *place))
    if not isinstance(found, bytes):
        return found or PlainTextResponse("There is no such thing.", status_code=404)
    headers = {
        "Content-Disposition": 'attachment; filename="files.zip"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Plain(found, media_type="application/zip", headers=headers)


async def step(request: Request) -> Response:
    """`GET …/patchbay/step?doc=…&token=…&node=…`: `step_of` the node with this path."""
    from patchbay.studio.inspector.values import step_of

    path = request.query_params.get("node", "")
    return await answer_with(request, lambda document, browser: step_of(document, browser, path))


async def tokens(request: Request) -> Response:
    """`POST …/patchbay/tokens?doc=…&token=…&node=…` with a text as body: `tokens_of` it."""
    from starlette.responses import PlainTextResponse

    from patchbay.studio.inspector.tokens import TEXT, tokens_of

    wanted, text = request.query_params.get("node", ""), await _text(request, TEXT)
    if text is None:
        return PlainTextResponse("This text is too long to count.", status_code=413)
    return await answer_with(request, lambda document, _: tokens_of(document, wanted, text))


async def pin(request: Request) -> Response:
    """`GET …/patchbay/pin?doc=…&token=…&node=…`: `pin_of` the node."""
    from patchbay.studio.inspector.pinning import pin_of

    wanted = request.query_params.get("node", "")
    return await answer_with(request, lambda document, browser: pin_of(document, browser, wanted))


async def pins(request: Request) -> Response:
    """`POST …/patchbay/pins?doc=…&token=…` with JSON as body: `change_pins`."""
    import json

    from starlette.responses import PlainTextResponse

    from patchbay.studio.documents.pins import LIMIT
    from patchbay.studio.inspector.pinning import change_pins

    text = await _text(request, LIMIT)
    if text is None:
        return PlainTextResponse("This value is too large to be pinned.", status_code=413)
    try:
        asked = json.loads(text)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        return PlainTextResponse("This is no wish.", status_code=400)
    return await answer_with(
        request, lambda document, browser: change_pins(document, browser, asked)
    )


async def _text(request: Request, most: int) -> str | None:
    body = await body_within(request, most)
    return None if body is None else body.decode("utf-8", "replace")


T = TypeVar("T")
Telling = Callable[["FlowDocument", str], T | None]
"""What is told of an open flow to a browser; None where there is no such thing."""


async def answer_with(
    request: Request, find: Telling[dict[str, Any]], *, writes: bool = False
) -> Response:
    """What is found, as JSON, for whoever may ask. What `writes` is taken from a page alone."""
    from starlette.responses import PlainTextResponse

    if writes and request.headers.get("origin") is None:
        return PlainTextResponse("Not for you.", status_code=403)
    found = await _found(request, find)
    if found is None:
        return PlainTextResponse("There is no such thing.", status_code=404)
    return as_json(found) if isinstance(found, dict) else found


async def _found(request: Request, find: Telling[T]) -> T | Response | None:
    """What is found for whoever may ask; else what they are answered."""
    from starlette.concurrency import run_in_threadpool

    asked = flow_asked_for(request)
    if not isinstance(asked, tuple):
        return asked
    return await run_in_threadpool(find, *asked)
