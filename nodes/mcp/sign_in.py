"""The step of a sign-in that a person takes: a browser, and an address on this machine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from patchbay.nodes.errors import NodeError
from patchbay.nodes.mcp.oauth import SignIn, provider
from patchbay.nodes.mcp.servers import McpServer
from patchbay.nodes.mcp.session import broken, guarded_client, innermost, listed
from patchbay.nodes.units import duration

PAGE = (
    b"<!doctype html><meta charset=utf-8><title>Patchbay</title>"
    b"<p style='font:16px sans-serif'>%s You can close this page.</p>"
)


async def sign_in(
    server: McpServer,
    name: str,
    show: Callable[[str], Awaitable[None]],
    *,
    wait_s: float = 300,
) -> list[str]:
    """Sign in at a server; gives the names of its tools.

    Args:
        server: by address.
        name: what a person calls it.
        show: gets the address that the person is to open in a browser.
        wait_s: the longest that the person may take, in seconds.

    Raises:
        NodeError: the server is none, wants no sign-in, or refuses; or nobody came back in time.
    """
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    kept = SignIn(server.url)
    await asyncio.to_thread(kept.forget)
    async with _back(server.callback_port, wait_s) as (address, wait):
        if server.client_id:
            known = {"client_id": server.client_id, "redirect_uris": [address],
                      "token_endpoint_auth_method": "none"}  # fmt: skip
            await asyncio.to_thread(partial(kept.keep, client=known))
        auth = provider(kept, address, show, wait, scope=server.scope)
        try:
            async with (
                guarded_client(server, "", 60, auth) as client,
                streamable_http_client(server.url, http_client=client) as (read, write, _),
                ClientSession(read, write, timedelta(seconds=wait_s + 30)) as made,
            ):
                await made.initialize()
                tools = [tool.name for tool in await listed(made.list_tools, "tools")]
        except Exception as error:  # groups, too: what the transport's own tasks raise
            if not await asyncio.to_thread(lambda: kept.there):
                await asyncio.to_thread(kept.forget)
            inner = innermost(error)
            raise inner if isinstance(inner, NodeError) else broken(name, inner) from error
    if not await asyncio.to_thread(lambda: kept.there):
        raise NodeError(
            f"The MCP server {name!r} let us in without a sign-in.",
            fix="It needs none; use it as it is.",
            code="mcp/sign-in",
            retry=False,
        )
    return tools


@contextlib.asynccontextmanager
async def _back(
    port: int, wait_s: float
) -> AsyncIterator[tuple[str, Callable[[], Awaitable[tuple[str, str | None]]]]]:
    """An address that the browser comes back to, and what waits for it."""
    came: asyncio.Future[dict[str, list[str]]] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            target = (await reader.readline()).split()[1].decode("ascii", "replace")
            while (await reader.readline()).strip():
                pass
            ours = urlsplit(target).path == "/callback"
            said = parse_qs(urlsplit(target).query)
            words = b"You are signed in." if "code" in said else b"The sign-in was refused."
            body = PAGE % words if ours else b""
            head = f"HTTP/1.1 {200 if ours else 404} .\r\nContent-Type: text/html\r\n"
            head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
            if ours and not came.done():
                came.set_result(said)
        writer.close()

    async def wait() -> tuple[str, str | None]:
        try:
            async with asyncio.timeout(wait_s):
                said: dict[str, Any] = await came
        except TimeoutError as error:
            raise NodeError(
                f"Nobody signed in within {duration(wait_s)}.",
                fix="Try again, and open the address in a browser.",
                code="mcp/sign-in",
                retry=False,
            ) from error
        if "code" not in said:
            why = " ".join([*said.get("error", ["no code"]), *said.get("error_description", [])])
            raise NodeError(
                f"The sign-in was refused: {why[:300]}.",
                fix="Try again, and agree to what is asked for.",
                code="mcp/sign-in",
                retry=False,
            )
        return said["code"][0], (said.get("state") or [None])[0]

    listening = await asyncio.start_server(serve, "127.0.0.1", port)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/callback", wait
