"""The watch over event loops sees what blocks them in a node, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from patchbay.nodes.mcp.servers import servers
from patchbay.nodes.records.sql import open_source
from patchbay.nodes.records.sql_params import SqlParams
from patchbay.nodes.weights.resolve import resolve
from tests.nodes import loop_watch
from tests.nodes.models.conftest import folder, hub, site
from tests.nodes.models.site import Site

__all__ = ["folder", "hub", "site"]


def _heard() -> str:
    heard, loop_watch.found[:] = "; ".join(loop_watch.found), []
    return heard


async def at_work(function: Callable[..., Any], *given: Any) -> Any:
    """Call something as a node does that runs: from a coroutine of ours."""
    made: dict[str, Any] = {}
    source = "async def node(function, *given): return function(*given)"
    exec(compile(source, f"{loop_watch.HOME}made_up.py", "exec"), made)
    return await made["node"](function, *given)


async def test_a_file_that_a_node_reads_on_the_loop_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("")
    servers(file)
    assert _heard() == "", "what a test calls itself is its own affair"
    await at_work(servers, file)
    assert "in nodes/mcp/servers.py" in _heard()
    await asyncio.to_thread(servers, file)
    assert _heard() == ""


async def test_a_database_below_a_library_is_seen(tmp_path: Path) -> None:
    import sqlite3

    sqlite3.connect(tmp_path / "a.db").execute("CREATE TABLE t (x)").connection.close()
    params = SqlParams(url="sqlite:///a.db")
    (await at_work(open_source, params, tmp_path, lambda ref: "")).close()
    assert "sqlite3.connect" in _heard()
    (await asyncio.to_thread(open_source, params, tmp_path, lambda ref: "")).close()
    assert _heard() == ""


def test_without_a_loop_nothing_is_held_up(tmp_path: Path) -> None:
    assert servers(tmp_path / "none.toml") == {}
    assert _heard() == ""


def test_a_download_holds_up_its_own_loop_alone(hub: Site, folder: Path) -> None:
    """Else the first test of a machine that fetches weights failed, whichever it is."""
    hub.files["/me/repo/resolve/main/model.gguf"] = b"GGUF"
    assert resolve("hf:me/repo/model.gguf").is_file()
    assert _heard() == ""
