"""The application: the gate, calls of flows, and what begins and ends with the server.

All addresses but those of runs are imported when the first of them is asked for: a server that has
just been started is to answer at once, and many are asked for nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import re
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from patchbay.flows.problems import FlowError
from patchbay.flows.server.core.gate import Gate
from patchbay.flows.server.core.imports import forget_folders
from patchbay.flows.server.core.refusals import RefusedError, answer, of_flow, of_system, refused
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.uploads import OLD_S, uploads_folder
from patchbay.flows.server.http.running import run
from patchbay.flows.server.mcp.when_asked import McpWhenAsked
from patchbay.nodes.threads import in_thread

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from patchbay.flows.server.triggers.firing import Firing

log = logging.getLogger("patchbay.serve")

_SOON_S = 0.5
"""Seconds after the start until what is not called by anybody begins: first answers go first."""
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
        due = asyncio.create_task(_start_what_is_due(service))
        async with contextlib.AsyncExitStack() as stack:
            if mcp is not None:  # the lifespan of a mounted application would not run
                await stack.enter_async_context(mcp.there())
            try:
                yield
            finally:
                watching.cancel()
                due.cancel()
                if service.firing is not None:
                    await service.firing.end()
                sweeping.cancel()
                await service.drain()

    app = Starlette(lifespan=lifespan, exception_handlers=_HANDLERS)
    app.state.service = service
    return Gate(inside(RunCalls(app, mcp)), service.settings, service.keys, say)


def _mcp(service: FlowService) -> McpWhenAsked | None:
    """The address of MCP; None where its library is not installed."""
    return None if importlib.util.find_spec("mcp") is None else McpWhenAsked(service)


async def _start_what_is_due(service: FlowService) -> None:
    """Start flows when their schedules are due; for ever."""
    while True:
        await asyncio.sleep(_SOON_S)
        try:
            firing_of = await in_thread(_firing_of)
            break
        except OSError as error:  # the system is short of something
            log.warning("Triggers cannot be looked at: %s", error)
    await firing_of(service).watch()


def _firing_of() -> Callable[[FlowService], Firing]:
    from patchbay.flows.server.triggers.firing import firing_of

    return firing_of


def say(path: str, error: RefusedError) -> Response:
    """A refusal in the words of the protocol whose address it is."""
    if path.startswith("/v1/"):
        from patchbay.flows.server.openai.errors import error_response

        return error_response(error)
    if path.startswith("/api/v1/"):
        from patchbay.flows.server.compat.errors import error_response as as_theirs

        return as_theirs(error)
    return answer(error)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101 - by its entry in the table
    return say(request.url.path, error)


async def _of_flow(request: Request, error: Exception) -> Response:
    assert isinstance(error, FlowError)  # noqa: S101 - by its entry in the table
    return say(request.url.path, of_flow(error))


async def _of_system(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)  # noqa: S101 - by its entry in the table
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    found = of_system(error)
    return await _defect(request, error) if found is None else say(request.url.path, found)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - by its entry in the table
    said = {404: "There is no such address here.", 405: "This address takes other methods."}
    message = said.get(error.status_code, str(error.detail))
    fix = _elsewhere(request.url.path) if error.status_code in said else ""
    found = refused(error.status_code, "serve/address", message, fix)
    response = say(request.url.path, found)
    response.headers.update(error.headers or {})
    return response


_OPENAIS = ("/chat/completions", "/responses", "/embeddings", "/models")


def _elsewhere(path: str) -> str:
    """Where what was asked for is: at an address of OpenAI's below another base address, say."""
    last = path.rstrip("/")
    if last.endswith("/completions") and not last.endswith(_OPENAIS):
        return "Texts are completed at /v1/chat/completions alone, which takes messages."
    if last.endswith(_OPENAIS):
        return "The base address of OpenAI's clients is that of this server with /v1 behind it."
    return "The addresses are listed at /openapi.json."


async def _left(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it: the request never came to its end


async def _defect(request: Request, error: Exception) -> Response:
    found = refused(500, "run/defect", f"A mistake in Patchbay: {type(error).__name__}.")
    response = say(request.url.path, found)
    response.headers["connection"] = "close"  # uvicorn ends it, and a next call must not find it
    return response


_HANDLERS: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    RefusedError: _refused,
    FlowError: _of_flow,
    HTTPException: _http,
    ClientDisconnect: _left,
    OSError: _of_system,
    Exception: _defect,
}


class RunCalls:
    """Takes calls of flows past the router and its middleware, which cost as much as such a call.
    All else goes the usual way; its addresses are imported when the first of them is asked for.

    Args:
        app: the application, without addresses.
        mcp: the address of MCP, where there is one.
    """

    def __init__(self, app: Starlette, mcp: McpWhenAsked | None) -> None:
        self._app, self._mcp = app, mcp
        self._making: asyncio.Future[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        called = _CALL.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if called is None or scope["method"] != "POST":
            if scope["type"] == "http":
                await self._addresses()
            await self._app(scope, receive, send)
            return
        scope["app"], scope["path_params"] = self._app, {"name": called[1]}
        request, broken = Request(scope, receive, send), None
        try:
            response = await run(request)
        except Exception as error:
            handle = next(h for kind, h in _HANDLERS.items() if isinstance(error, kind))
            response, broken = await handle(request, error), error
        await response(scope, receive, send)
        if broken is not None and not isinstance(broken, tuple(_HANDLERS)[:-1]):
            raise broken  # a mistake of ours: the log is to say where

    async def _addresses(self) -> None:
        """Wait until all addresses are there."""
        if self._making is None:
            self._making = asyncio.ensure_future(self._make())
        if not self._making.done():
            await asyncio.shield(self._making)

    async def _make(self) -> None:
        try:
            made = await in_thread(_every_address, self._mcp)
        except BaseException:
            self._making = None  # the system was short of something: the next one tries again
            forget_folders()
            raise
        self._app.router.routes.extend(made)


def _every_address(mcp: McpWhenAsked | None) -> list[BaseRoute]:
    from patchbay.flows.server.every_address import every_address

    return every_address(mcp)


_CALL = re.compile(r"/flows/([^/]+)/run")


async def _sweep_now_and_then() -> None:
    while True:
        with contextlib.suppress(OSError):  # the next one tries again
            await in_thread(_sweep)
        await asyncio.sleep(_SWEEP_EVERY_S)


def _sweep() -> None:
    """Delete what runs of long ago were sent."""
    folder: Any = uploads_folder()
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - OLD_S:
                shutil.rmtree(path, ignore_errors=True)
