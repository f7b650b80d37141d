"""How long the validator takes for large flows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.table import Row
from bench.timing import Side, interleave, timed
from patchbay.flows.checks.validate import validate
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.nodes.catalog import Catalog, load_catalog

TARGETS = {1_000: 0.100, 10_000: 1.5}
"""Nodes → seconds at most."""


def measure(quick: bool = False) -> Iterator[Row]:
    """One row per size; the floor is building and checking the bare graph with networkx."""
    catalog = load_catalog()
    for size, limit in TARGETS.items():
        if found := validate(realistic(size), catalog):
            raise RuntimeError(f"the flow to validate is not valid: {found[0]}")
        seconds = interleave(
            {"ours": _ours(size, catalog), "networkx": _bare_graph(size)},
            repeats=3 if quick else 7,
        )
        yield Row(
            measure=f"validate {size:,} nodes",
            value=seconds["ours"] * 1e3,
            unit="ms",
            limit=limit * 1e3,
            against="graph and cycle check alone",
            other=seconds["networkx"] * 1e3,
        )


def realistic(size: int) -> Flow:
    """Prompts with params, joins with several wires, and inputs and outputs, in chains of ten."""
    nodes: list[NodeInstance] = []
    edges: list[Edge] = []

    def add(kind: str, params: dict[str, Any], *wires: tuple[str, str]) -> str:
        node_id = f"n{len(nodes)}"
        nodes.append(NodeInstance(id=node_id, kind=kind, params=params))
        edges.extend(Edge(source=source, target=f"{node_id}.{port}") for source, port in wires)
        return node_id

    while len(nodes) < size:
        number = len(nodes)
        asked = add("io.input", {"name": f"q{number}", "default": "What?"}) + ".value"
        text = asked
        for step in range(4):
            params = {"template": f"Step {step} of {number}: {{text}} about {{topic}}"}
            text = add("prompt.template", params, (text, "text"), (asked, "topic")) + ".text"
            text = add("text.join", {}, (asked, "texts"), (text, "texts")) + ".text"
        add("io.output", {"name": f"a{number}"}, (text, "value"))
    return Flow(name=f"{size} nodes", nodes=tuple(nodes), edges=tuple(edges))


def _ours(size: int, catalog: Catalog) -> Side:
    def once() -> float:
        flow = realistic(size)  # a fresh one, so that nothing computed for the last one helps
        return timed(lambda: validate(flow, catalog))

    return once


def _bare_graph(size: int) -> Side:
    import networkx as nx

    flow = realistic(size)

    def check() -> None:
        graph = nx.MultiDiGraph()
        graph.add_nodes_from(node.id for node in flow.nodes)
        graph.add_edges_from((edge.source_node, edge.target_node) for edge in flow.edges)
        nx.is_directed_acyclic_graph(graph)

    return lambda: timed(check)
