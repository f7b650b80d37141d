"""All addresses of a server, ours and those of the protocols that it speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from patchbay.flows.server.compat.flowise import ROUTES as FLOWISE
from patchbay.flows.server.compat.langflow import ROUTES as LANGFLOW
from patchbay.flows.server.core.requests import caller_of, service_of
from patchbay.flows.server.http import addresses, markdown_parts, pages
from patchbay.flows.server.http.openapi import document
from patchbay.flows.server.openai.models import ROUTES as OPENAI
from patchbay.flows.server.triggers.addresses import ROUTES as TRIGGERS

if TYPE_CHECKING:
    from patchbay.flows.server.mcp.when_asked import McpWhenAsked


def every_address(mcp: McpWhenAsked | None) -> list[BaseRoute]:
    """What a server can be asked for.

    Args:
        mcp: the address of MCP, where there is one.
    """
    more = [] if mcp is None else [Route("/mcp", mcp)]
    return [
        *more,
        *addresses.ROUTES,
        Route("/openapi.json", _openapi),
        *TRIGGERS,
        *OPENAI,
        *FLOWISE,
        *LANGFLOW,
        *markdown_parts.ROUTES,
        *pages.ROUTES,
    ]


async def _openapi(request: Request) -> Response:
    shelf = service_of(request).shelf
    return JSONResponse(document(shelf.all(caller_of(request))))
