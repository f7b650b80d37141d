"""SQL for agents: the tables are shown, what goes wrong is told."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from patchbay.nodes.agents.toolbox import open_tools
from patchbay.nodes.contract import NodeError
from patchbay.nodes.records.sql_tool import SqlAsTool
from patchbay.nodes.testing import RecordingContext
from tests.nodes.tools.kit import tool_of

SETTINGS = {"tables": [{"name": "orders", "file": "orders.csv"}], "rows": 2}


async def test_an_agent_asks_tables(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id,what\n1,Honey\n2,Bread\n3,Tea\n")
    ctx = RecordingContext(folder=tmp_path)
    async with AsyncExitStack() as stack:  # reading the schema does not hold the loop up
        opened = (await open_tools([tool_of(SqlAsTool, SETTINGS)], ctx, stack))["sql"]
    assert "orders(id BIGINT, what VARCHAR)" in opened.description
    said = await opened.ainvoke({"query": "SELECT what FROM orders ORDER BY id"})
    assert said == (
        "| what |\n| --- |\n| Honey |\n| Bread |\n"
        "(There are more rows; the first 2 rows are given.)"
    )
    assert await opened.ainvoke({"query": "SELECT 1 WHERE false"}) == "No rows."
    with pytest.raises(NodeError, match="does not take the query"):
        await opened.ainvoke({"query": "SELECT nope FROM orders"})
    with pytest.raises(NodeError, match="more than read"):
        await opened.ainvoke({"query": "DROP VIEW orders"})


def test_what_is_not_there_is_said_before_the_agent_begins(tmp_path: Path):
    with pytest.raises(NodeError, match="no file"):
        tool_of(SqlAsTool, SETTINGS).bind(RecordingContext(folder=tmp_path))  # type: ignore[attr-defined]
