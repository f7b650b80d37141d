"""Calls of MCP tools: what they give, and those that nobody waits for to the end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from mcp import McpError
from mcp.server.fastmcp import FastMCP
from mcp.shared.memory import create_connected_server_and_client_session as connect

from patchbay.nodes.mcp.session import call


class Mail:
    """A server whose only tool takes its time, and how its calls ended."""

    def __init__(self) -> None:
        self.server = FastMCP("mail", log_level="CRITICAL")
        self.begun, self.ended = asyncio.Event(), asyncio.Event()
        self.how = ""
        self.server.add_tool(self.send, name="send")

    async def send(self) -> str:
        self.begun.set()
        self.how = "stopped"
        try:
            await asyncio.sleep(30)
            self.how = "sent"
        finally:
            self.ended.set()
        return self.how


async def test_a_tool_hears_that_the_time_is_up():
    mail = Mail()
    wait = timedelta(seconds=0.5)
    async with connect(mail.server._mcp_server, read_timeout_seconds=wait) as client:
        with pytest.raises(McpError, match="Timed out"):
            await call(client, "send", {})
        await asyncio.wait_for(mail.ended.wait(), 10)
        assert mail.how == "stopped"


async def test_a_tool_hears_that_the_step_was_stopped():
    mail = Mail()
    async with connect(mail.server._mcp_server) as client:
        asked = asyncio.create_task(call(client, "send", {}))
        await asyncio.wait_for(mail.begun.wait(), 10)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await asyncio.wait_for(mail.ended.wait(), 10)
        assert mail.how == "stopped"


@pytest.mark.parametrize(
    ("kind", "gives", "told"),
    [
        (list[list[Any]], [["a", 1], [None, 2]], '{"result": [["a", 1], [null, 2]]}'),
        (list[int | None], [1, None, 3], '{"result": [1, null, 3]}'),
        (list[dict[str, int]], [{"x": 1}, {"x": 2}], '{"result": [{"x": 1}, {"x": 2}]}'),
        (list[str], ["one", "two"], "one\ntwo"),
        (str, "one text", "one text"),
    ],
)
async def test_rows_are_told_from_each_other(kind: Any, gives: Any, told: str):
    """A server of mcp 1.30 makes a text of each number in a list of rows, and none of a null."""

    def tool() -> Any:
        return gives

    tool.__annotations__["return"] = kind
    server = FastMCP("rows", log_level="CRITICAL")
    server.add_tool(tool, name="rows")
    async with connect(server._mcp_server) as client:
        assert await call(client, "rows", {}) == told
