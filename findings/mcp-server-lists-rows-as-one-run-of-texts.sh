#!/usr/bin/env bash
# Guess: the texts of a tool's result say what its function returned; a client that reads no structured content loses the form only.
# What happens: FastMCP goes into lists at any depth and makes a text of each item, so that rows become one run of texts, and it
# leaves a null out. Of [["ash", 3], [null, 4]] the texts are ash, 3, 4. The structured content holds the rows.
# Seen with mcp 1.30.0 on 2026-11-30.
# Why it matters: most agents give a model the texts alone. A table with an empty cell is then read with its values a place further
# on, and nothing says so.
source "$(dirname "$0")/_env.sh"
packages 'mcp==1.30.0'
"$PY" - <<'PY'
import asyncio
from importlib.metadata import version

from mcp.server.fastmcp import FastMCP
from mcp.shared.memory import create_connected_server_and_client_session as connect

ROWS = [["ash", 3], [None, 4]]
server = FastMCP("trees", log_level="CRITICAL")


@server.tool()
def trees() -> list[list[str | int | None]]:
    return ROWS


async def main():
    async with connect(server._mcp_server) as client:
        return await client.call_tool("trees", {})


given = asyncio.run(main())
texts = [block.text for block in given.content]
print("mcp", version("mcp"))
print(f"  returned: {ROWS}")
print(f"  texts: {texts}")
print(f"  structured: {given.structuredContent}")
raise SystemExit(0 if texts == ["ash", "3", "4"] and given.structuredContent["result"] == ROWS else 1)
PY
