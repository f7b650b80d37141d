"""Signing in at a hosted server, against a real authorization server on this machine."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from patchbay.nodes.agents.toolbox import open_tools
from patchbay.nodes.contract import NodeError
from patchbay.nodes.mcp.oauth import SignIn
from patchbay.nodes.mcp.servers import McpServer, named_server
from patchbay.nodes.mcp.sign_in import sign_in
from patchbay.nodes.mcp.tools_node import McpToolsNode
from patchbay.nodes.testing import RecordingContext
from tests.nodes import loop_watch
from tests.nodes.mcp.authority import Authority, hosted
from tests.nodes.tools.kit import tool_of


@pytest.fixture(scope="module")
def running() -> Iterator[Authority]:
    with hosted() as authority:
        yield authority


@pytest.fixture
def bank(running: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path))
    running.denies = running.renews_in_silence = False
    running.lasts_s, running.renewed = 3600, 0
    (tmp_path / "settings.toml").write_text(f'[mcp.servers.bank]\nurl = "{running.url}"\n')
    return running


async def browser(address: str) -> None:
    """What a browser does: goes where it is sent."""
    async with httpx.AsyncClient(follow_redirects=True, trust_env=False, timeout=120) as client:
        page = await client.get(address)
        assert "You can close this page" in page.text


async def signed(bank: Authority) -> SignIn:
    """Sign in. Other nodes, a stream, Stop: nothing on the loop waits for the disk meanwhile."""
    server = named_server("bank")
    loop_watch.found.clear()
    assert await sign_in(server, "bank", browser) == ["balance", "send"]
    loop_watch.check()
    return SignIn(bank.url)


async def called(tool: str = "balance", **arguments: Any) -> str:
    """What a tool gives; tokens are read, renewed and kept off the loop."""
    spec = tool_of(McpToolsNode, {"server": "bank"})
    loop_watch.found.clear()
    async with AsyncExitStack() as stack:
        opened = await open_tools([spec], RecordingContext(), stack)
        gave = str(await opened[tool].ainvoke(arguments or {"account": "mine"}))
    loop_watch.check()
    return gave


async def test_a_flow_uses_the_sign_in_of_the_person(bank: Authority) -> None:
    with pytest.raises(NodeError, match="wants a token or a sign-in") as failure:
        await called()
    assert failure.value.fix == "Name a token, or sign in once: patchbay mcp login bank"
    kept = await signed(bank)
    assert await called() == "mine: 42"
    assert len(bank.challenges[-1]) == 43  # SHA-256 in base64: the proof key went along
    assert kept.forget()
    with pytest.raises(NodeError, match="sign-in"):
        await called()


async def test_tokens_lie_in_the_home_folder_for_their_owner_alone(
    bank: Authority, tmp_path: Path
) -> None:
    kept = await signed(bank)
    assert kept.path.is_relative_to(tmp_path / "mcp-sign-ins")
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700
    held = json.loads(kept.path.read_text())
    assert held["url"] == bank.url
    spec = tool_of(McpToolsNode, {"server": "bank"})
    assert held["tokens"]["access_token"] not in spec.model_dump_json()


@pytest.mark.parametrize("in_silence", [False, True], ids=["rotated", "kept"])
async def test_a_token_that_has_ended_is_renewed(bank: Authority, in_silence: bool) -> None:
    bank.renews_in_silence = in_silence
    kept = await signed(bank)
    for count in (1, 2, 3):  # each time as a new process would: from the file alone
        kept.keep(ends=1.0)
        bank.access.clear()
        assert await called() == "mine: 42"
        assert bank.renewed == count
    assert kept.read()["tokens"]["refresh_token"]


async def test_a_sign_in_that_is_over_says_how_to_renew_it(bank: Authority) -> None:
    kept = await signed(bank)
    bank.access.clear()
    bank.renewals.clear()
    kept.keep(ends=1.0)
    with pytest.raises(NodeError, match="sign-in at the MCP server 'bank' is over") as failure:
        await called()
    assert failure.value.code == "mcp/sign-in"
    assert failure.value.fix == "Sign in again: patchbay mcp login bank"


async def test_a_sign_in_that_is_refused_or_takes_too_long(bank: Authority) -> None:
    bank.denies = True
    with pytest.raises(NodeError, match="sign-in was refused: access_denied"):
        await sign_in(named_server("bank"), "bank", browser)

    async def nobody(_address: str) -> None:
        pass

    with pytest.raises(NodeError, match="Nobody signed in within"):
        await sign_in(named_server("bank"), "bank", nobody, wait_s=0.05)
    assert not SignIn(bank.url).path.exists()


async def test_a_server_that_needs_none_or_is_none(bank: Authority, tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="does not work"):
        await sign_in(McpServer(url="http://127.0.0.1:1/mcp"), "x", browser)
    with pytest.raises(NodeError, match="There is no MCP server 'nobody'"):
        named_server("nobody")
    assert named_server(bank.url).url == bank.url
    SignIn(bank.url).keep(tokens="damaged")
    assert not SignIn("http://other/mcp").there
