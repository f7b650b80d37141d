"""Tools of a real MCP server, over streamable HTTP and as a program."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.agents.call_tool import CallTool
from patchbay.nodes.agents.toolbox import open_tools
from patchbay.nodes.contract import NodeError
from patchbay.nodes.mcp.servers import servers
from patchbay.nodes.mcp.tools_node import McpTools, McpToolsNode
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import decode, encode
from tests.nodes.mcp.conftest import TOKEN
from tests.nodes.tools.kit import tool_of

CTX = RecordingContext(secrets={"SHOP_TOKEN": TOKEN})


def kit(address: str = "", **params: Any) -> McpTools:
    where = {"url": address, "token": {"secret": "SHOP_TOKEN"}, "allow_loopback": True}
    found = tool_of(McpToolsNode, {**(where if address else {}), **params})
    assert isinstance(found, McpTools)
    return found


async def called(spec: McpTools, tool: str, **arguments: Any) -> str:
    async with AsyncExitStack() as stack:
        opened = await open_tools([spec], CTX, stack)
        return str(await opened[tool].ainvoke(arguments))


async def test_all_tools_of_a_server_by_address(address: str):
    async with AsyncExitStack() as stack:
        opened = await open_tools([kit(address)], CTX, stack)
        assert list(opened) == ["price", "variables"]
        assert opened["price"].description == "The price of an item."
        assert set(opened["price"].args) == {"item", "count"}
        assert await opened["price"].ainvoke({"item": "tea", "count": 3}) == "3 tea: 6"


async def test_a_program_of_the_settings(settings: Path):
    assert await called(kit(server="shop"), "price", item="tea") == "1 tea: 2"
    # of the environment it gets what the settings name, and what every program needs
    assert await called(kit(server="shop"), "variables") == "SHOP_GIVEN"


async def test_what_a_tool_says_of_a_failure_is_told(address: str):
    with pytest.raises(NodeError, match="gold is not sold"):
        await called(kit(address), "price", item="gold")
    with pytest.raises(NodeError, match="item"):
        await called(kit(address), "price")


async def test_some_tools_under_a_prefix(address: str):
    async with AsyncExitStack() as stack:
        some = kit(address, only=["price"], prefix="shop_")
        assert next(iter(await open_tools([some, kit(address)], CTX, stack))) == "shop_price"
    with pytest.raises(NodeError, match="no tool 'nope'; there are: price, variables"):
        await called(kit(address, only=["nope"]), "nope")
    with pytest.raises(NodeError, match='Two of the tools are named "price"'):
        async with AsyncExitStack() as stack:
            await open_tools([kit(address), kit(address)], CTX, stack)


def test_a_tool_of_a_server_as_a_step(settings: Path):
    given = {"tool": kit(server="shop", only=["price"]), "what": "tea"}
    outputs = run_node(CallTool, {"arguments": {"item": "{what}"}}, given)
    assert outputs["text"] == "1 tea: 2"
    with pytest.raises(
        NodeError, match="2 tools are wired in, and one is called: price, variables"
    ):
        run_node(CallTool, {"arguments": {}}, {"tool": kit(server="shop")})


async def test_a_server_that_wants_a_token_or_is_not_there(address: str):
    for params, words in (
        ({"token": None}, "The server wants a token"),
        ({"allow_loopback": False}, "not a public address"),
        ({"url": "http://127.0.0.1:1/mcp"}, "does not work"),
    ):
        with pytest.raises(NodeError, match=words) as failure:
            await called(kit(address, **params), "price")
        assert failure.value.code == "mcp/unreachable"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[mcp.servers.x]\n", "give command or url"),
        ('[mcp.servers.x]\ncommand = "a"\nurl = "b"\n', "give command or url"),
        ('[mcp.servers.x]\ncommand = "a"\nshell = true\n', "shell"),
        ("[mcp", "cannot be read"),
    ],
)
def test_settings_that_say_something_else(tmp_path: Path, text: str, words: str):
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(NodeError, match=words):
        servers(file)


async def test_a_flow_names_a_server_and_never_a_command(settings: Path):
    for field in ("command", "args", "env"):
        with pytest.raises(ValidationError, match="Extra inputs"):
            McpToolsNode.Params.model_validate({field: "sh"})
    with pytest.raises(NodeError, match="no MCP server 'sh' in your settings; there are: shop"):
        await called(kit(server="sh"), "x")
    with pytest.raises(NodeError, match="No MCP server is named"):
        await called(kit(), "x")


@pytest.mark.parametrize(
    "params",
    [{"url": "file:///x"}, {"url": "http://x/mcp", "server": "y"}, {"prefix": "a-b"}],
)
def test_bad_settings_are_refused(params: dict[str, Any]):
    with pytest.raises(ValidationError):
        McpToolsNode.Params.model_validate(params)


def test_the_description_can_be_stored_and_names_no_secret(address: str):
    spec = kit(address)
    assert decode(encode(spec), {McpTools.tag(): McpTools}) == spec
    assert TOKEN not in str(encode(spec))
