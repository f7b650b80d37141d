"""Two flows in one Mermaid picture: what was added, changed and removed is marked."""

from __future__ import annotations

from patchbay.flows.document.model import Edge, Flow
from patchbay.flows.exchange.mermaid import to_mermaid
from patchbay.nodes.catalog import Catalog

STYLES = {
    "added": "fill:#dcfce7,stroke:#15803d,color:#14532d",
    "changed": "fill:#fef9c3,stroke:#a16207,color:#713f12",
    "removed": "fill:#fee2e2,stroke:#b91c1c,color:#7f1d1d,stroke-dasharray: 4 4",
}


def to_picture(before: Flow, after: Flow, catalog: Catalog) -> str:
    """The diagram of both, with one class for each sort of change."""
    old, new = before.by_id(), after.by_id()
    wires = {(e.source, e.target) for e in after.edges}
    gone: list[Edge] = [e for e in before.edges if (e.source, e.target) not in wires]
    both = after.model_copy(
        update={
            "nodes": (*after.nodes, *(n for key, n in old.items() if key not in new)),
            "edges": (*after.edges, *gone),
        }
    )
    names = {node.id: f"n{index}" for index, node in enumerate(both.nodes)}
    marks = {
        "added": [key for key in new if key not in old],
        "changed": [key for key in new if key in old and new[key] != old[key]],
        "removed": [key for key in old if key not in new],
    }
    lines = [to_mermaid(both, catalog).rstrip("\n")]
    for mark, keys in marks.items():
        if keys:
            lines.append(f"    classDef {mark} {STYLES[mark]}")
            lines.append(f"    class {','.join(names[key] for key in keys)} {mark}")
    known = {(e.source, e.target) for e in before.edges}
    for index, edge in enumerate(both.edges):
        key = (edge.source, edge.target)
        if key not in known:
            lines.append(f"    linkStyle {index} stroke:#15803d,stroke-width:3px")
        elif key not in wires:
            lines.append(f"    linkStyle {index} stroke:#b91c1c,stroke-dasharray: 4 4")
    return "\n".join(lines) + "\n"
