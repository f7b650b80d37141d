"""The address of MCP, whose library is imported when it is first called: it takes as long to import
as all the rest of the server, and as much memory as a fifth of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from patchbay.flows.server.core.imports import forget_folders
from patchbay.nodes.threads import in_thread

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from patchbay.flows.server.core.service import FlowService
    from patchbay.flows.server.mcp.transport import McpOverHttp


class McpWhenAsked:
    """Stands at the address. Serves within the block of `there`.

    Args:
        service: whose flows are the tools.
    """

    def __init__(self, service: FlowService) -> None:
        self._service = service
        self._asked, self._ready = asyncio.Event(), asyncio.Event()
        self._serving: McpOverHttp | None = None
        self._broken: Exception = RuntimeError("MCP cannot be served: the server ends")

    @contextlib.asynccontextmanager
    async def there(self) -> AsyncIterator[None]:
        """Serve until the end of the block. What runs meanwhile begins and ends in one task, as the
        task groups of the library want it."""
        running = asyncio.ensure_future(self._run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            self._ready.set()  # it may have ended before it began

    async def _run(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                made = await in_thread(_imported)
                serving = made(self._service)
                async with serving.running():
                    self._serving = serving
                    self._ready.set()
                    await asyncio.Event().wait()
            except Exception as error:  # the system was short of something: next time again
                self._broken, self._serving = error, None
                waited, self._ready = self._ready, asyncio.Event()
                waited.set()
                forget_folders()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request."""
        if self._serving is None:
            self._asked.set()
            await self._ready.wait()
        if self._serving is None:
            raise self._broken
        await self._serving(scope, receive, send)


def _imported() -> type[McpOverHttp]:
    from patchbay.flows.server.mcp.transport import McpOverHttp

    return McpOverHttp
