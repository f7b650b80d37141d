"""Flow → networkx, and the questions asked of it. Unknown ends of wires are left out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from patchbay.flows.document.model import Flow

if TYPE_CHECKING:
    import networkx as nx


def to_graph(flow: Flow) -> nx.MultiDiGraph:
    """The flow as a graph: node ids, and one edge per wire with its ports and its place."""
    import networkx as nx

    graph: nx.MultiDiGraph = nx.MultiDiGraph()
    graph.add_nodes_from(node.id for node in flow.nodes)
    known = set(graph)
    for index, edge in enumerate(flow.edges):
        source, _, output = edge.source.partition(".")
        target, _, port = edge.target.partition(".")
        if source in known and target in known:
            graph.add_edge(source, target, index=index, output=output, input=port)
    return graph


def topological_order(graph: nx.MultiDiGraph) -> list[str] | None:
    """The nodes so that every wire points forward, or None where a cycle forbids it."""
    import networkx as nx

    try:
        return list(nx.topological_sort(graph))
    except nx.NetworkXUnfeasible:
        return None


def cycles(graph: nx.MultiDiGraph) -> list[list[str]]:
    """One cycle of every knot of nodes that wait for each other, its nodes in wire order."""
    import networkx as nx

    if topological_order(graph) is not None:
        return []
    position = {node: index for index, node in enumerate(graph)}
    knots = [
        sorted(knot, key=position.__getitem__)
        for knot in nx.strongly_connected_components(graph)
        if len(knot) > 1 or any(graph.has_edge(node, node) for node in knot)
    ]
    return [_cycle_in(graph, knot) for knot in sorted(knots, key=lambda knot: position[knot[0]])]


def _cycle_in(graph: nx.MultiDiGraph, knot: list[str]) -> list[str]:
    """A shortest cycle through the knot's first node."""
    start, inside = knot[0], set(knot)
    before: dict[str, str] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for after in graph.succ[node]:
            if after == start:
                way = [node]
                while way[-1] != start:
                    way.append(before[way[-1]])
                return way[::-1]
            if after in inside and after not in before:
                before[after] = node
                queue.append(after)
    return knot


def ancestors(graph: nx.MultiDiGraph, targets: Iterable[str]) -> set[str]:
    """The targets and everything that they depend on."""
    seen = {target for target in targets if target in graph}
    stack = list(seen)
    while stack:
        for before in graph.pred[stack.pop()]:
            if before not in seen:
                seen.add(before)
                stack.append(before)
    return seen


def generations(graph: nx.MultiDiGraph) -> dict[str, int]:
    """Node → length of the longest way to it. Nodes on cycles, and behind them, have none."""
    import networkx as nx

    found: dict[str, int] = {}
    try:
        for index, generation in enumerate(nx.topological_generations(graph)):
            found.update(dict.fromkeys(generation, index))
    except nx.NetworkXUnfeasible:
        pass
    return found
