"""What a flow does, as a hash: scores and answers are kept under it, and made anew when it changes.

Its nodes and wires count, and what the flows hold that its nodes run; where boxes lie and what they
are called does not. Wires count in their order, as lists take them.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator

from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.document.model import Flow
from patchbay.flows.runs.subflows import Subflows
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import NodeError
from patchbay.nodes.values import canonical, encode

FlowsInside = tuple[tuple[str, str], ...]
"""The flows that nodes run: node and name, and a hash of what the flow holds, those inside too."""


def flows_inside(flow: Flow, catalog: Catalog, subflows: Subflows) -> FlowsInside:
    """What the flows hold that its nodes run. One that is broken says so when it is run."""
    return tuple(_inside(flow, catalog, subflows))


def _inside(flow: Flow, catalog: Catalog, subflows: Subflows) -> Iterator[tuple[str, str]]:
    for node_id, node in resolve_once(flow, catalog).nodes.items():
        for used in node.subflows:
            with contextlib.suppress(NodeError):
                yield f"{node_id}/{used.flow}", subflows.digest(used.flow)


def work_key(flow: Flow, inside: FlowsInside) -> str:
    """The hash."""
    nodes = [
        {"id": n.id, "kind": n.kind, "version": n.version, "params": encode(dict(n.params)),
         "disabled": n.disabled, "run": n.run.model_dump(mode="json")}
        for n in flow.nodes
    ]  # fmt: skip
    said = canonical({
        "nodes": sorted(nodes, key=lambda node: str(node["id"])),
        "edges": [[edge.source, edge.target] for edge in flow.edges],
        "inside": [list(one) for one in inside],
    })  # fmt: skip
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:24]
