"""The application: addresses, the gate before them, and what begins and ends with the server."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import re
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from patchbay.flows.problems import FlowError
from patchbay.flows.server.compat.flowise import ROUTES as FLOWISE
from patchbay.flows.server.compat.langflow import ROUTES as LANGFLOW
from patchbay.flows.server.core.gate import Gate
from patchbay.flows.server.core.refusals import RefusedError, answer, of_flow, refused
from patchbay.flows.server.core.requests import caller_of, service_of
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.uploads import OLD_S, uploads_folder
from patchbay.flows.server.http import addresses, pages
from patchbay.flows.server.http.openapi import document
from patchbay.flows.server.mcp.when_asked import McpWhenAsked
from patchbay.flows.server.openai.errors import error_response
from patchbay.flows.server.openai.models import ROUTES as OPENAI
from patchbay.flows.server.triggers.addresses import ROUTES as TRIGGERS
from patchbay.flows.server.triggers.firing import Firing
from patchbay.nodes.threads import in_thread

_SWEEP_EVERY_S = 3600.0


def _as_it_is(app: ASGIApp) -> ASGIApp:
    return app


def application(service: FlowService, inside: Callable[[ASGIApp], ASGIApp] = _as_it_is) -> ASGIApp:
    """The application of a service, ready to be served.

    Args:
        service: what is served.
        inside: what comes between the gate and the addresses.
    """

    mcp = _mcp(service)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep_now_and_then())
        watching = asyncio.create_task(service.watch())
        service.firing = firing = Firing(service)
        due = asyncio.create_task(firing.watch())
        async with contextlib.AsyncExitStack() as stack:
            if mcp is not None:  # the lifespan of a mounted application would not run
                await stack.enter_async_context(mcp.there())
            try:
                yield
            finally:
                watching.cancel()
                due.cancel()
                await firing.end()
                sweeping.cancel()
                await service.drain()

    app = Starlette(routes=_routes(mcp), lifespan=lifespan, exception_handlers=_HANDLERS)
    app.state.service = service
    return Gate(inside(RunCalls(app)), service.settings, service.keys, say)


def _mcp(service: FlowService) -> McpWhenAsked | None:
    """The address of MCP; None where its library is not installed."""
    return None if importlib.util.find_spec("mcp") is None else McpWhenAsked(service)


def _routes(mcp: McpWhenAsked | None) -> list[BaseRoute]:
    more = [] if mcp is None else [Route("/mcp", mcp)]
    return [
        *more,
        *addresses.ROUTES,
        Route("/openapi.json", _openapi),
        *TRIGGERS,
        *OPENAI,
        *FLOWISE,
        *LANGFLOW,
        *pages.ROUTES,
    ]


def say(path: str, error: RefusedError) -> Response:
    """A refusal in the words of the protocol whose address it is."""
    return error_response(error) if path.startswith("/v1/") else answer(error)


async def _openapi(request: Request) -> Response:
    shelf = service_of(request).shelf
    return JSONResponse(document(shelf.all(caller_of(request))))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101 - by its entry in the table
    return say(request.url.path, error)


async def _of_flow(request: Request, error: Exception) -> Response:
    assert isinstance(error, FlowError)  # noqa: S101 - by its entry in the table
    return say(request.url.path, of_flow(error))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - by its entry in the table
    said = {404: "There is no such address here.", 405: "This address takes other methods."}
    message = said.get(error.status_code, str(error.detail))
    fix = "The addresses are listed at /openapi.json." if error.status_code in said else ""
    found = refused(error.status_code, "serve/address", message, fix)
    response = say(request.url.path, found)
    response.headers.update(error.headers or {})
    return response


async def _left(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it: the request never came to its end


async def _defect(request: Request, error: Exception) -> Response:
    found = refused(500, "run/defect", f"A mistake in Patchbay: {type(error).__name__}.")
    return say(request.url.path, found)


_HANDLERS: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    RefusedError: _refused,
    FlowError: _of_flow,
    HTTPException: _http,
    ClientDisconnect: _left,
    Exception: _defect,
}


class RunCalls:
    """Takes calls of flows past the router and its middleware, which cost as much as such a call.
    All else goes the usual way.

    Args:
        app: the application.
    """

    def __init__(self, app: Starlette) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        called = _CALL.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if called is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["app"], scope["path_params"] = self._app, {"name": called[1]}
        request, broken = Request(scope, receive, send), None
        try:
            response = await addresses.run(request)
        except Exception as error:
            handle = next(h for kind, h in _HANDLERS.items() if isinstance(error, kind))
            response, broken = await handle(request, error), error
        await response(scope, receive, send)
        if broken is not None and not isinstance(broken, tuple(_HANDLERS)[:-1]):
            raise broken  # a mistake of ours: the log is to say where


_CALL = re.compile(r"/flows/([^/]+)/run")


async def _sweep_now_and_then() -> None:
    while True:
        await in_thread(_sweep)
        await asyncio.sleep(_SWEEP_EVERY_S)


def _sweep() -> None:
    """Delete what runs of long ago were sent."""
    folder: Any = uploads_folder()
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - OLD_S:
                shutil.rmtree(path, ignore_errors=True)
