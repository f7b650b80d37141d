"""A flow as a listing for people: what it asks for, its steps in order, what it gives."""

from __future__ import annotations

from collections.abc import Iterator

from patchbay.flows.checks.resolve import Resolved, ResolvedNode, resolve_once
from patchbay.flows.document.graph import topological_order
from patchbay.flows.document.model import Edge, Flow
from patchbay.flows.wording import printable
from patchbay.nodes.catalog import Catalog


def to_text(flow: Flow, catalog: Catalog) -> str:
    """The listing. Works for broken flows too, and holds no control characters but newlines."""
    return "\n".join(_lines(resolve_once(flow, catalog))) + "\n"


def _lines(resolved: Resolved) -> Iterator[str]:
    flow = resolved.flow
    yield printable(flow.name, 300)
    for line in flow.description.splitlines():
        yield f"  {printable(line, 300)}".rstrip()
    order = topological_order(resolved.links) or list(resolved.nodes)
    nodes = [resolved.nodes[node_id] for node_id in order]
    yield from _section("Inputs", [_input(node) for node in nodes if node.flow_input])
    steps = [
        line
        for node in nodes
        if node.flow_input is None and node.flow_output is None
        for line in _step(resolved, node)
    ]
    yield from _section("Steps", steps)
    outputs = [_output(resolved, node) for node in nodes if node.flow_output is not None]
    yield from _section("Outputs", outputs)


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from (f"  {line}" for line in lines)


def _input(node: ResolvedNode) -> str:
    field = node.flow_input
    if field is None:
        return ""
    need = "required" if field.required else f"default {_short(field.default)}"
    choices = f", one of {', '.join(map(_short, field.choices))}" if field.choices else ""
    about = f": {printable(field.description, 200)}" if field.description else ""
    return f"{printable(field.name)} ({field.kind}, {need}{choices}){about}" + _marks(node)


def _output(resolved: Resolved, node: ResolvedNode) -> str:
    name = printable(node.flow_output or "")
    wires = resolved.incoming[node.instance.id]
    sources = [edge.source for edges in wires.values() for edge in edges]
    about = node.instance.params.get("description")
    said = f": {printable(about, 300)}" if isinstance(about, str) and about else ""
    return f"{name} ← {', '.join(sources) or '(no wire)'}{said}" + _marks(node)


def _step(resolved: Resolved, node: ResolvedNode) -> Iterator[str]:
    instance = node.instance
    kind_title = node.cls.title if node.cls else f"unknown kind {printable(instance.kind)}"
    title = f"{printable(instance.title)} ({kind_title})" if instance.title else kind_title
    yield f"{instance.id}: {title}{_marks(node)}"
    summary = _summary(node)
    if summary:
        yield f"    {summary}"
    for port, edges in resolved.incoming[instance.id].items():
        yield f"    {port} ← {', '.join(_source(resolved, edge) for edge in edges)}"


def _source(resolved: Resolved, edge: Edge) -> str:
    node = resolved.nodes.get(edge.source_node)
    if node is not None and node.flow_input is not None:
        return f"input {printable(node.flow_input.name)}"
    return edge.source


def _summary(node: ResolvedNode) -> str:
    if node.cls is None or node.params is None:
        return "(params do not fit)" if node.cls else ""
    try:
        return printable(node.cls.summary(node.params), 100)
    except Exception:  # a stranger's class; the listing goes on
        return ""


def _marks(node: ResolvedNode) -> str:
    return " [disabled]" if node.instance.disabled else ""


def _short(value: object) -> str:
    return printable(str(value), 40)
