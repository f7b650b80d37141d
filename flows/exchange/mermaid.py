"""A flow as a Mermaid diagram, for READMEs and pull requests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from patchbay.flows.checks.resolve import Resolved, ResolvedNode, resolve_once
from patchbay.flows.document.model import Flow
from patchbay.flows.secret_shapes import secret_kind
from patchbay.flows.wording import HIDDEN, UNSAFE
from patchbay.nodes.catalog import Catalog

_ESCAPED = re.compile(r"[!-+/;-@\[-^`{-~]")
"""Printable ASCII except letters, digits and `, - . : _`."""


def to_mermaid(flow: Flow, catalog: Catalog) -> str:
    """The diagram's text. Nothing in a flow can become a tag, a link, a directive or a style."""
    return "\n".join(_lines(resolve_once(flow, catalog))) + "\n"


def _lines(resolved: Resolved) -> Iterator[str]:
    yield "flowchart LR"
    # Own names: an id such as `end` or `click` is a word of Mermaid's language.
    names = {node_id: f"n{index}" for index, node_id in enumerate(resolved.nodes)}
    for node_id, node in resolved.nodes.items():
        opening, closing = _shape(node)
        yield f'    {names[node_id]}{opening}"{_label(node)}"{closing}'
    for edge in resolved.flow.edges:
        source, target = names.get(edge.source_node), names.get(edge.target_node)
        if source and target:
            ports = escape(f"{edge.source_port} → {edge.target_port}")
            yield f'    {source} -->|"{ports}"| {target}'
    disabled = [names[i] for i, node in resolved.nodes.items() if node.instance.disabled]
    if disabled:
        yield "    classDef disabled stroke-dasharray: 4 4,opacity: 0.6"
        yield f"    class {','.join(disabled)} disabled"


def _shape(node: ResolvedNode) -> tuple[str, str]:
    if node.flow_input is not None or node.flow_output is not None:
        return "([", "])"
    if node.exclusive:
        return "{{", "}}"
    return "[", "]"


def _label(node: ResolvedNode) -> str:
    title = node.title if node.cls else node.instance.title or node.instance.kind
    return f"{escape(title)}<br/>{escape(node.instance.id)}"


def escape(text: str, limit: int = 80) -> str:
    """Text as a Mermaid label that shows exactly this text, on one line."""
    if secret_kind(text):
        text = HIDDEN
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return _ESCAPED.sub(lambda m: f"#{ord(m[0])};", UNSAFE.sub(" ", text))
