"""For all tests of nodes: none of them blocks the event loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.nodes import loop_watch

loop_watch.watch()
ROOMS = {
    "guards", "io", "logic", "memory", "people", "prompts", "records", "tools", "web",
}  # fmt: skip
"""Whose tests are watched. Those of models call them in blocking ways as well; those of agents and
of MCP write flows and settings themselves, by functions of ours."""
FILES = {"mcp/test_tools_node.py"}
"""Single files whose tests are watched too; what is signed in is watched where it is called."""


@pytest.fixture(autouse=True)
def _the_loop_stays_free(request: pytest.FixtureRequest) -> Iterator[None]:
    loop_watch.found.clear()
    yield
    folder, name = request.path.parts[-2:]
    if folder not in ROOMS and f"{folder}/{name}" not in FILES:
        return
    loop_watch.check()
