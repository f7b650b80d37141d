"""The watch over event loops sees what blocks them in a node, and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

from patchbay.nodes.mcp.servers import servers
from patchbay.nodes.records.sql import open_source
from patchbay.nodes.records.sql_params import SqlParams
from tests.nodes import loop_watch


def _heard() -> str:
    heard, loop_watch.found[:] = "; ".join(loop_watch.found), []
    return heard


async def test_a_file_that_a_node_reads_on_the_loop_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("")
    assert _heard() == "", "what a test reads itself is its own affair"
    servers(file)
    assert "in nodes/mcp/servers.py" in _heard()
    await asyncio.to_thread(servers, file)
    assert _heard() == ""


async def test_a_database_below_a_library_is_seen(tmp_path: Path) -> None:
    import sqlite3

    sqlite3.connect(tmp_path / "a.db").execute("CREATE TABLE t (x)").connection.close()
    params = SqlParams(url="sqlite:///a.db")
    open_source(params, tmp_path, lambda ref: "").close()
    assert "sqlite3.connect" in _heard()
    (await asyncio.to_thread(open_source, params, tmp_path, lambda ref: "")).close()
    assert _heard() == ""


def test_without_a_loop_nothing_is_held_up(tmp_path: Path) -> None:
    assert servers(tmp_path / "none.toml") == {}
    assert _heard() == ""
