"""For all tests of nodes: none of them blocks the event loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.nodes import loop_watch

loop_watch.watch()
ROOMS = {
    "agents", "guards", "io", "logic", "mcp", "memory", "people", "prompts", "records", "retrieval",
    "tools", "web",
}  # fmt: skip
"""Whose tests are watched. Those of models call them in blocking ways as well."""


@pytest.fixture(autouse=True)
def _the_loop_stays_free(request: pytest.FixtureRequest) -> Iterator[None]:
    loop_watch.found.clear()
    yield
    if request.path.parent.name in ROOMS:
        loop_watch.check()
