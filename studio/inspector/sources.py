"""What an answer rests on: the documents that the numbers in it stand for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.views.values import shape_of

SOURCES = 20
"""Documents that are told beside an answer."""


def sources_of(live: LiveRun, nodes: Iterable[str]) -> list[Any]:
    """The documents that what these nodes took and gave rests on.

    They are what the nearest node has found, the nodes themselves first, then those before them.
    """
    before: dict[str, list[str]] = {}
    for edge in live.flow.edges:
        before.setdefault(edge.target_node, []).append(edge.source_node)
    waiting, seen = deque(nodes), set[str]()
    while waiting:
        node = waiting.popleft()
        if node in seen:
            continue
        seen.add(node)
        step = live.progress.nodes.get(node)
        for value in step.outputs.values() if step is not None else ():
            if shape_of(value) == "documents":
                return list(value[:SOURCES])
        waiting.extend(before.get(node, ()))
    return []
