"""Calls of an MCP tool that nobody waits for to the end."""

from __future__ import annotations

import asyncio
from datetime import timedelta

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
