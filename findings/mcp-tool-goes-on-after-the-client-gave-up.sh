#!/usr/bin/env bash
# Guess: when a client of MCP stops waiting for a tool (its time is up, or the task that asked is cancelled), the server hears of
# it and stops the tool; the protocol has a notification for that.
# What happens: the client sends nothing. The tool runs to its end and does what it does, and its answer is thrown away. A
# `notifications/cancelled` that one sends by hand does stop it.
# Seen with mcp 1.30.0 on 2026-11-30.
# Why it matters: a step that failed "after 0.5 seconds" is tried again, and the mail is sent twice; a run that was stopped goes on
# to spend. Keys that make a repeated call harmless belong into the tool.
source "$(dirname "$0")/_env.sh"
packages 'mcp==1.30.0'
"$PY" - <<'PY'
import asyncio
import logging
from datetime import timedelta
from importlib.metadata import version

from mcp import types
from mcp.server.fastmcp import FastMCP
from mcp.shared.exceptions import McpError
from mcp.shared.memory import create_connected_server_and_client_session as connect

logging.disable()
server, ended = FastMCP("mail", log_level="CRITICAL"), []


@server.tool()
async def send(to: str) -> str:
    try:
        await asyncio.sleep(2)
    except BaseException:
        ended.append(f"{to}: stopped")
        raise
    ended.append(f"{to}: sent")
    return "sent"


async def main():
    async with connect(server._mcp_server) as client:
        try:
            await client.call_tool("send", {"to": "Ada"}, read_timeout_seconds=timedelta(seconds=0.5))
        except McpError as problem:
            print("Ada:", str(problem).split(".")[0])
        call = asyncio.create_task(client.call_tool("send", {"to": "Bob"}))
        await asyncio.sleep(0.5)
        call.cancel()
        number = client._request_id
        call = asyncio.create_task(client.call_tool("send", {"to": "Cy"}))
        await asyncio.sleep(0.5)
        call.cancel()
        told = types.CancelledNotificationParams(requestId=number)
        await client.send_notification(types.ClientNotification(types.CancelledNotification(params=told)))
        await asyncio.sleep(4)


asyncio.run(main())
print("mcp", version("mcp"), "on the server:", sorted(ended))
raise SystemExit(0 if sorted(ended) == ["Ada: sent", "Bob: sent", "Cy: stopped"] else 1)
PY
