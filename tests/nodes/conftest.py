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


@pytest.fixture(autouse=True)
def _the_loop_stays_free(request: pytest.FixtureRequest) -> Iterator[None]:
    loop_watch.found.clear()
    yield
    if request.path.parent.name not in ROOMS:
        return
    blocked, loop_watch.found[:] = list(loop_watch.found), []
    assert not blocked, "On the event loop, where ctx.blocking belongs: " + "; ".join(blocked)
