"""What a request about an open flow must have, and what it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchbay.studio.server.grants import granted

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from patchbay.studio.documents.document import FlowDocument


def flow_asked_for(request: Request) -> tuple[FlowDocument, str] | Response:
    """The open flow and the browser that may ask about it; else how the request is refused."""
    from starlette.responses import PlainTextResponse

    from patchbay.studio.server.services import services

    grant = granted(request)
    if grant is None:
        return PlainTextResponse("Not for you.", status_code=403)
    document = services().documents.by_id(grant.document)
    if document is None:
        return PlainTextResponse("This flow is not open.", status_code=404)
    return document, grant.browser


async def body_within(request: Request, most: int) -> bytes | None:
    """The body; None where it has more bytes than that, without reading it to its end."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            return None
    return bytes(body)
