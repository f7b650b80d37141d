"""MCP over stdin and stdout, for desktop clients that start the server themselves."""

from __future__ import annotations

import io
import os
import sys

import anyio
from mcp.server.stdio import stdio_server

from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.mcp.flow_tools import tool_server


async def speak(service: FlowService) -> None:
    """Serve until stdin ends. What nodes print goes to stderr: stdout is the protocol's."""
    protocol = io.TextIOWrapper(os.fdopen(os.dup(1), "wb"), encoding="utf-8")
    sys.stdout.flush()
    os.dup2(2, 1)
    server = tool_server(service)
    async with stdio_server(stdout=anyio.wrap_file(protocol)) as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())
    await service.drain()
