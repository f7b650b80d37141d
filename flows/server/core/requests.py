"""What every address asks of a request first: the service, and whose it is."""

from __future__ import annotations

from starlette.requests import Request

from patchbay.flows.server.core.keys import Caller
from patchbay.flows.server.core.refusals import refused
from patchbay.flows.server.core.service import FlowService


def service_of(request: Request) -> FlowService:
    """The service that a request is for."""
    found: FlowService = request.app.state.service
    return found


def caller_of(request: Request) -> Caller:
    """Whose request it is.

    Raises:
        RefusedError: nobody's.
    """
    caller: Caller | None = request.scope.get("caller")
    if caller is None:
        raise refused(401, "serve/key", "This needs a key.", 'Send "Authorization: Bearer KEY".')
    return caller
