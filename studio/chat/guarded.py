"""What a request to the chat must have, and how a refusal is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from patchbay.studio.server.asking import body_within, flow_asked_for
from patchbay.studio.server.json_answer import as_json

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from patchbay.studio.documents.document import FlowDocument

MOST = 2_000_000
"""Bytes of a body."""

ChatHandler = Callable[["Request", "FlowDocument", str], Awaitable["Response"]]
"""Answers a request about an open flow of a browser."""


def guarded(work: ChatHandler) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of some work: for the page that shows the flow, in its browser."""

    async def answered(request: Request) -> Response:
        from patchbay.flows.problems import FlowError
        from patchbay.flows.server.core.refusals import RefusedError, body_of

        asked = flow_asked_for(request)
        if not isinstance(asked, tuple):
            return asked
        try:
            return await work(request, *asked)
        except FlowError as error:
            return refusal(error)
        except RefusedError as error:
            return as_json(body_of(error.problem, error.more), error.status)

    return answered


def refusal(error: Any) -> Response:
    """Why something is not done: every problem, in the shape of the server's."""
    from patchbay.flows.server.core.refusals import body_of, of_flow

    refused = of_flow(error)
    status = refused.status if refused.status != 500 else 400  # what is wrong is the flow
    return as_json(body_of(refused.problem, refused.more), status)


async def body_in(request: Request) -> bytes:
    """The body of a request.

    Raises:
        RefusedError: it is too large.
    """
    from patchbay.flows.server.core.refusals import refused

    body = await body_within(request, MOST)
    if body is None:
        raise refused(413, "serve/too-large", "This is too much for a message.", "Send less.")
    return body


async def json_in(request: Request) -> Mapping[str, Any]:
    """The JSON object in a request; empty where it has no body.

    Raises:
        RefusedError: it is something else, or too large.
    """
    from patchbay.flows.server.core.asked import json_of
    from patchbay.flows.server.core.refusals import refused

    found = json_of(await body_in(request) or b"{}")
    if not isinstance(found, dict):
        raise refused(400, "serve/not-json", "The body is not a JSON object.")
    return found
