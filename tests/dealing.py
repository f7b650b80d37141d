"""Which test process gets which files: what shares costly things runs in one process.

torch, Transformers, CrewAI, LangChain, LlamaIndex and Haystack take some 30 seconds of processor
time to import, and the fixtures that open networks some 20 more. pytest-xdist deals out single
files (`--dist loadfile`), so with two processes both paid all of it. Here the files that need them
are one unit, which one process gets as a whole; the files with browsers come next, so that the
other process has them one after another, and two browsers seldom share two cores. The others fill
up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

LIGHT = (
    "guards", "io", "logic", "mcp", "people", "prompts", "records", "text", "tools", "web",
    "weights",
)  # fmt: skip
"""Rooms of nodes whose tests neither import these libraries nor open the network that is shared."""
ROOMS = ("tests/nodes/", "tests/flows/test_saved_")
LIBRARIES = "libraries"
BROWSERS = "tests/browser/"


def unit(nodeid: str) -> str:
    """The name of what is handed out with a test: its file, or all that shares the libraries."""
    file = nodeid.partition("::")[0]
    if not file.startswith(ROOMS):
        return file
    room = file.split("/")[2]
    return file if room in LIGHT or (room.endswith(".py") and "saved" not in room) else LIBRARIES


def turn(name: str, tests: int) -> tuple[int, int]:
    """When a unit's turn comes, by its name and number of tests: long ones first."""
    return (0 if name == LIBRARIES else 1 if name.startswith(BROWSERS) else 2), -tests


class Dealing(LoadScopeScheduling):
    """Hands out units in the order of their turns."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        waiting = self.workqueue
        waiting.move_to_end(min(waiting, key=lambda name: turn(name, len(waiting[name]))), False)
        super()._assign_work_unit(node)
