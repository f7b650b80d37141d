"""The flow as a graph, and the questions asked of it. Unknown ends of wires are left out.

A flow without a circle is put in order by `graphlib`, which every Python has. Knots are taken apart
by networkx, which takes as long to import as everything else that a small run needs.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from patchbay.flows.document.model import Flow

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Links:
    """Which nodes are joined by wires, both ways. Nodes in document order, their ends in wire
    order."""

    after: dict[str, dict[str, None]]
    """Node id → the nodes that its outputs are wired to."""
    before: dict[str, dict[str, None]]
    """Node id → the nodes that its inputs are wired to."""


def links(flow: Flow) -> Links:
    """The wires of a flow as links between its nodes."""
    found = Links({node.id: {} for node in flow.nodes}, {node.id: {} for node in flow.nodes})
    for edge in flow.edges:
        source, target = edge.source.partition(".")[0], edge.target.partition(".")[0]
        if source in found.after and target in found.before:
            found.after[source][target] = None
            found.before[target][source] = None
    return found


def generations(joined: Links) -> dict[str, int]:
    """Node → length of the longest way to it, nearest first, else in document and wire order.

    Nodes on cycles, and behind them, have none.
    """
    sorter = TopologicalSorter(dict.fromkeys(joined.after, ()))
    for source, targets in joined.after.items():
        for target in targets:
            sorter.add(target, source)
    with contextlib.suppress(CycleError):  # what lies before the circle still gets its place
        sorter.prepare()
    found: dict[str, int] = {}
    index = 0
    while ready := sorter.get_ready():
        found.update(dict.fromkeys(ready, index))
        sorter.done(*ready)
        index += 1
    return found


def topological_order(joined: Links) -> list[str] | None:
    """The nodes so that every wire points forward, or None where a cycle forbids it."""
    order = generations(joined)
    return list(order) if len(order) == len(joined.before) else None


def cycles(joined: Links) -> list[list[str]]:
    """One cycle of every knot of nodes that wait for each other, its nodes in wire order."""
    if topological_order(joined) is not None:
        return []
    import networkx as nx

    position = {node: index for index, node in enumerate(joined.after)}
    graph = nx.DiGraph(joined.after)
    knots = [
        sorted(knot, key=position.__getitem__)
        for knot in nx.strongly_connected_components(graph)
        if len(knot) > 1 or any(node in joined.after[node] for node in knot)
    ]
    return [_cycle_in(joined, knot) for knot in sorted(knots, key=lambda knot: position[knot[0]])]


def _cycle_in(joined: Links, knot: list[str]) -> list[str]:
    """A shortest cycle through the knot's first node."""
    start, inside = knot[0], set(knot)
    before: dict[str, str] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for after in joined.after[node]:
            if after == start:
                way = [node]
                while way[-1] != start:
                    way.append(before[way[-1]])
                return way[::-1]
            if after in inside and after not in before:
                before[after] = node
                queue.append(after)
    return knot


def ancestors(joined: Links, targets: Iterable[str]) -> set[str]:
    """The targets and everything that they depend on."""
    seen = {target for target in targets if target in joined.before}
    stack = list(seen)
    while stack:
        for before in joined.before[stack.pop()]:
            if before not in seen:
                seen.add(before)
                stack.append(before)
    return seen


def onward(joined: Links, start: str) -> list[str]:
    """A node and all that its values reach along the wires, the nearest first."""
    found = [start] if start in joined.after else []
    seen = set(found)
    for at in found:  # which grows meanwhile
        fresh = [after for after in joined.after[at] if after not in seen]
        seen.update(fresh)
        found += fresh
    return found
