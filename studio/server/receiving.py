"""Where a browser sends documents to: guarded like everything else of an open flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchbay.flows.problems import FlowError
from patchbay.studio.server.asking import body_within
from patchbay.studio.server.base_path import prefix_of
from patchbay.studio.server.grants import granted
from patchbay.studio.server.json_answer import as_json

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute


def routes(base: str = "") -> list[BaseRoute]:
    """The route, below the app's base path."""
    from starlette.routing import Route

    prefix = prefix_of(base)
    return [Route(f"{prefix}/patchbay/documents", documents, methods=["POST"])]


async def documents(request: Request) -> Response:
    """`POST …/patchbay/documents?doc=…&token=…&name=…&when_there=…`: one file, as the body.

    Answers what became of it (`Received`), or `message` and `fix` with a status of 400 and above.
    """
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect

    from patchbay.studio.documents.received import place_of, receive, too_large, when_there
    from patchbay.studio.server.services import services

    grant = granted(request)
    if grant is None or request.headers.get("origin") is None:
        return as_json({"message": "Not for you.", "fix": "Reload the page."}, 403)
    document = services().documents.by_id(grant.document)
    if document is None or document.path is None:
        return as_json({"message": "This flow is not open here.", "fix": "Reload the page."}, 404)
    name = request.query_params.get("name", "")
    wanted = when_there(request.query_params.get("when_there", ""))
    try:
        place_of(document.path, name)  # before megabytes of what nobody reads are listened to
        data = await _body(request)
        if data is None:
            raise too_large(name)
        found = await run_in_threadpool(receive, document.path, name, data, wanted)
    except FlowError as error:
        problem = error.problems[0]
        return as_json({"message": problem.message, "fix": problem.fix}, 400)
    except ClientDisconnect:
        return as_json({"message": "It was broken off.", "fix": ""}, 400)
    return as_json(found.as_dict(), 200)


async def _body(request: Request) -> bytes | None:
    """The body; None where it is larger than a file may be, without reading it to its end."""
    from patchbay.studio.documents.received import FILE_LIMIT

    if int(request.headers.get("content-length") or 0) > FILE_LIMIT:
        return None
    return await body_within(request, FILE_LIMIT)
