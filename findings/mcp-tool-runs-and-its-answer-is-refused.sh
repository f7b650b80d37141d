#!/usr/bin/env bash
# Guess: a tool that is typed to return a dictionary with an optional key may leave the key out.
# What happens: the tool runs, the missing key is filled with null, and the server refuses its own answer because the schema
# it made says text: the client reads an error for something that was done.
# Seen with mcp 1.30.0 on 2026-11-28.
# Why it matters: a model that reads the error calls the tool again: the mail is sent twice.
source "$(dirname "$0")/_env.sh"
packages 'mcp==1.30.0'
"$PY" - <<'PY'
import asyncio
import logging
from importlib.metadata import version
from typing import NotRequired

from mcp.server.fastmcp import FastMCP
from mcp.shared.memory import create_connected_server_and_client_session as connect
from typing_extensions import TypedDict

logging.disable()
sent = []
server = FastMCP("mail", log_level="CRITICAL")


class Receipt(TypedDict):
    to: str
    copy_to: NotRequired[str]


@server.tool()
def send(to: str) -> Receipt:
    """Send a mail."""
    sent.append(to)
    return {"to": to}


async def main():
    async with connect(server._mcp_server) as client:
        return await client.call_tool("send", {"to": "Ada"})


result = asyncio.run(main())
print("mcp", version("mcp"), "sent to", sent, "and the client reads:", result.content[0].text)
raise SystemExit(0 if result.isError and sent == ["Ada"] else 1)
PY
