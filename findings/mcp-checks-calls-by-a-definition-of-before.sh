#!/usr/bin/env bash
# Guess: a call of a tool is checked by the definition that holds for this caller now; when a server tells that its tools have
# changed, both sides forget the old ones.
# What happens: server and client keep definitions by the tool's name only. The server's are shared by all sessions, so what it
# told to the last who listed its tools is what everybody's calls are checked by; and a tool that is replaced runs and has its
# answer refused by the schema of the one before. The client keeps its own through `tools/list_changed`, and raises when a
# good answer comes. Listing the tools again helps, on each side.
# Seen with mcp 1.30.0 on 2026-11-29.
# Why it matters: servers that make tools of saved flows change them while clients stay connected, and may offer each caller
# others. A valid call then fails after it was done. Give tools names of their own per version, or list before each call.
source "$(dirname "$0")/_env.sh"
packages 'mcp==1.30.0'
"$PY" - <<'PY'
import asyncio
import logging
from importlib.metadata import version

from mcp import types
from mcp.server.fastmcp import FastMCP
from mcp.server.lowlevel import Server
from mcp.shared.memory import create_connected_server_and_client_session as connect
from pydantic import BaseModel

logging.disable()
seen = {}


def text(result):
    return ("refused: " if result.isError else "done: ") + result.content[0].text.splitlines()[0]


async def per_caller():
    server = Server("notes")

    @server.list_tools()
    async def tools():
        key = server.request_context.session.client_params.clientInfo.name
        schema = {"type": "object", "properties": {key: {"type": "string"}}, "required": [key]}
        return [types.Tool(name="note", inputSchema=schema)]

    @server.call_tool()
    async def call(name, arguments):
        return [types.TextContent(type="text", text=str(arguments))]

    first, second = (types.Implementation(name=name, version="1") for name in ("title", "body"))
    async with connect(server, client_info=first) as one, connect(server, client_info=second) as two:
        await one.list_tools()
        seen["by the first"] = text(await one.call_tool("note", {"title": "x"}))
        await two.list_tools()
        seen["the same, after another listed"] = text(await one.call_tool("note", {"title": "x"}))


class Before(BaseModel):
    euros: int


class Now(BaseModel):
    amount: int
    currency: str


async def replaced():
    server, ran = FastMCP("shop", log_level="CRITICAL"), []

    def before() -> Before:
        return Before(euros=3)

    def now() -> Now:
        ran.append("price")
        return Now(amount=3, currency="EUR")

    server.add_tool(before, name="price")
    async with connect(server._mcp_server) as client:
        seen["before"] = text(await client.call_tool("price", {})).replace("\n", "")
        server.remove_tool("price")
        server.add_tool(now, name="price")
        seen["replaced"] = text(await client.call_tool("price", {}))
        seen["ran"] = list(ran)
        await client.list_tools()
        seen["listed again"] = (await client.call_tool("price", {})).structuredContent


async def told():
    server, kinds, heard = Server("shop"), [Before], asyncio.Event()

    @server.list_tools()
    async def tools():
        return [types.Tool(name="price", inputSchema={"type": "object"}, outputSchema=kinds[-1].model_json_schema())]

    @server.call_tool()
    async def call(name, arguments):
        if kinds[-1] is Before:
            kinds.append(Now)
            await server.request_context.session.send_tool_list_changed()
            answer = {"euros": 3}
        else:
            answer = {"amount": 3, "currency": "EUR"}
        return types.CallToolResult(content=[], structuredContent=answer)

    async def hear(message):
        if isinstance(getattr(message, "root", None), types.ToolListChangedNotification):
            heard.set()

    async with connect(server, message_handler=hear) as client:
        await client.list_tools()
        await client.call_tool("price", {})
        await asyncio.wait_for(heard.wait(), 30)
        try:
            seen["client, told of the change"] = (await client.call_tool("price", {})).structuredContent
        except RuntimeError as problem:
            seen["client, told of the change"] = str(problem).splitlines()[0]


for case in (per_caller, replaced, told):
    asyncio.run(case())
print("mcp", version("mcp"))
for name, value in seen.items():
    print(f"  {name}: {value}")
wanted = {
    "by the first": "done: {'title': 'x'}",
    "the same, after another listed": "refused: Input validation error: 'body' is a required property",
    "before": "done: {",
    "replaced": "refused: Output validation error: 'euros' is a required property",
    "ran": ["price"],
    "listed again": {"amount": 3, "currency": "EUR"},
    "client, told of the change": "Invalid structured content returned by tool price: 'euros' is a required property",
}
raise SystemExit(0 if seen == wanted else 1)
PY
