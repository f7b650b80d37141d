"""A session with an MCP server, over streamable HTTP or a program's standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.mcp.servers import McpParams, McpServer, server_of
from patchbay.nodes.values import SecretRef

if TYPE_CHECKING:
    import httpx
    from mcp import ClientSession
    from mcp.types import CallToolResult

MAX_PAGES = 50
"""Pages of a list that are read."""


@contextlib.asynccontextmanager
async def session(
    params: McpParams, secret_of: Callable[[SecretRef], str]
) -> AsyncIterator[ClientSession]:
    """A session that has shaken hands, for as long as the context is. Enter and leave in one task.

    Raises:
        NodeError: the server is not known, cannot be reached, or is none.
    """
    from mcp import ClientSession

    server = await asyncio.to_thread(server_of, params)  # it reads the settings
    name = params.server or server.url
    wait, begun = timedelta(seconds=params.seconds), False
    try:
        async with contextlib.AsyncExitStack() as stack:
            read, write = await stack.enter_async_context(_transport(server, params, secret_of))
            made = await stack.enter_async_context(ClientSession(read, write, wait))
            await made.initialize()
            begun = True
            yield made
    except NodeError:
        raise
    except Exception as error:  # groups, too: what the transport's own tasks raise comes as one
        inner = innermost(error)
        if isinstance(inner, NodeError) or (begun and inner is error):
            raise inner from None
        raise broken(name, inner) from error


@contextlib.asynccontextmanager
async def _transport(
    server: McpServer, params: McpParams, secret_of: Callable[[SecretRef], str]
) -> AsyncIterator[tuple[Any, Any]]:
    if server.command:
        from mcp import StdioServerParameters
        from mcp.client.stdio import stdio_client

        env = {name: os.environ[name] for name in server.env if name in os.environ}
        program = StdioServerParameters(
            command=server.command, args=list(server.args), env=env or None, cwd=server.cwd
        )
        with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123, ASYNC230 - a device
            async with stdio_client(program, errlog=nowhere) as (read, write):
                yield read, write
        return
    from mcp.client.streamable_http import streamable_http_client

    from patchbay.nodes.mcp.oauth import signed_in

    token = secret_of(params.token) if params.token is not None else ""
    auth = None if token else await signed_in(server.url, params.server or server.url)
    async with (
        guarded_client(server, token, params.seconds, auth) as client,
        streamable_http_client(server.url, http_client=client) as (read, write, _),
    ):
        yield read, write


def guarded_client(
    server: McpServer, token: str, seconds: float, auth: httpx.Auth | None = None
) -> httpx.AsyncClient:
    """A client that connects to allowed addresses only, whatever a server answers.

    Args:
        server: what it is for.
        token: sent as `Authorization: Bearer`; "" for none.
        seconds: the longest that one request may take.
        auth: signs requests in place of a token.
    """
    import httpcore
    import httpx

    from patchbay.nodes.tools.addresses import guarded_backend

    transport = httpx.AsyncHTTPTransport()
    transport._pool = httpcore.AsyncConnectionPool(  # httpx has no argument for the backend
        network_backend=guarded_backend(loopback=server.loopback)
    )
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = httpx.Timeout(30, read=max(300.0, seconds))
    return httpx.AsyncClient(
        transport=transport, headers=headers, timeout=timeout, trust_env=False, auth=auth
    )


def broken(name: str, why: BaseException) -> NodeError:
    """A server that does not work, and why."""
    asks = "401" in str(why)
    refused = " The server wants a token or a sign-in." if asks else ""
    return NodeError(
        f"The MCP server {name!r} does not work: {str(why) or type(why).__name__}.{refused}",
        fix=f"Name a token, or sign in once: patchbay mcp login {name}"
        if asks
        else "Look whether it runs, and whether the address leads to its MCP endpoint.",
        code="mcp/unreachable",
    )


def innermost(error: BaseException) -> BaseException:
    """What was raised first, inside of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def listed(ask: Callable[..., Any], field: str) -> list[Any]:
    """All pages of a list that a server gives."""
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await ask(cursor) if cursor else await ask()
        found += getattr(page, field)
        cursor = page.nextCursor
        if not cursor:
            break
    return found


async def call(made: ClientSession, name: str, arguments: dict[str, Any]) -> str:
    """What a tool gives, as text.

    The result is not held against the tool's own output schema: the client of mcp 1.30 does that
    after the tool has run, and so throws away what an effect was paid for. Nor does it tell the
    server that nobody waits any more, so that is done here: the tool would run to its end.

    Raises:
        NodeError: the tool says that it failed.
    """
    from mcp import McpError, types

    request = types.CallToolRequest(
        params=types.CallToolRequestParams(name=name, arguments=arguments)
    )
    number = made._request_id  # the request gets it; nothing else tells it
    try:
        result = await made.send_request(types.ClientRequest(request), types.CallToolResult)
    except asyncio.CancelledError:
        await _give_up(made, number)
        raise
    except McpError as error:
        if error.error.code == HTTPStatus.REQUEST_TIMEOUT:
            await _give_up(made, number)
        raise
    if result.isError:
        text = contents(result.content)
        raise NodeError(text or "The tool failed.", code="mcp/tool", retry=False)
    return _given(result)


def _given(result: CallToolResult) -> str:
    """What a tool gave: its text, or its JSON where no one text holds it.

    Servers of mcp 1.30 make a text of each item of a list, those of lists in it too, and none of a
    null: rows are told from each other no more.
    """
    structured = result.structuredContent
    texts = [block.text for block in result.content if block.type == "text"]
    whole = len(result.content) == 1 or len(texts) < len(result.content)
    if structured is None or whole or (texts and structured.get("result") == texts):
        return contents(result.content)
    return json.dumps(structured, ensure_ascii=False)


async def _give_up(made: ClientSession, number: int) -> None:
    """Tell the server that nobody waits for a request any more."""
    import anyio
    from mcp import types

    told = types.CancelledNotificationParams(requestId=number)
    with (
        anyio.move_on_after(1, shield=True),
        contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError),
    ):
        await made.send_notification(
            types.ClientNotification(types.CancelledNotification(params=told))
        )


def contents(blocks: list[Any]) -> str:
    """Content of MCP as text; what is no text is named."""
    return "\n".join(_content(block) for block in blocks)


def _content(block: Any) -> str:
    if block.type == "text":
        return str(block.text)
    if block.type == "resource":
        return str(getattr(block.resource, "text", "") or f"[{block.resource.uri}]")
    if block.type == "resource_link":
        return f"[{block.name}]({block.uri})"
    return f"[{block.type} {getattr(block, 'mimeType', '')}]"
