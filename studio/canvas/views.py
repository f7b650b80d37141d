"""What the canvas draws of a node: its ports under its params, a line about them, its kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from patchbay.flows.checks.resolve import resolve_node
from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.flows.problems import Problem
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import Node, Ports, port
from patchbay.nodes.declaration import default_params, node_declaration, port_declarations
from patchbay.nodes.text.markdown import parse_markdown
from patchbay.nodes.values import Promptable
from patchbay.studio.inspector.declared import described, fields_of, front_of
from patchbay.studio.inspector.following import followers

KEPT = (
    "kind", "version", "title", "family", "icon", "doc", "synonyms", "inputs", "outputs", "install",
)  # fmt: skip
"""What the browser needs to know of a kind: the palette, a freshly dropped node; and its fields."""
SUMMARY = 80
"""How many characters of a summary fit a node."""


_VARIABLE = Ports.of({"name": (Promptable, port(doc="What {name} stands for."))})
"""The input that a variable of a text becomes."""


class CatalogView:
    """A catalog as the browser gets it, once, and what it makes of nodes."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.kinds = [_kind(node) for node in catalog]
        text = json.dumps(self.kinds, sort_keys=True, ensure_ascii=False)
        self.digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        self._known = {kind["kind"]: kind for kind in self.kinds}
        self._views = lru_cache(maxsize=4096)(self._view)

    def view(self, node: NodeInstance) -> dict[str, Any]:
        """Ports and summary of a node; empty when it is what its kind says by default."""
        params = json.dumps(node.params)  # in their order: ports may follow it
        return self._views(node.kind, node.version, params)

    def _view(self, kind: str, version: int, params: str) -> dict[str, Any]:
        node = NodeInstance(id="x", kind=kind, version=version, params=json.loads(params))
        resolved = resolve_node(node, self.catalog)
        if resolved.cls is None:
            return {"unknown": True}
        default = self._known[kind]
        view: dict[str, Any] = {}
        if resolved.inputs is None or resolved.outputs is None:
            return {"broken": True}
        for side, ports in (("inputs", resolved.inputs), ("outputs", resolved.outputs)):
            now = _ports(ports)
            if now != default[side]:
                view[side] = now
        summary = _summary(resolved.cls, resolved.params)
        if summary != default.get("summary", ""):
            view["summary"] = summary
        return view

    def views(self, flow: Flow, before: Flow | None = None) -> dict[str, dict[str, Any]]:
        """Views by node id: of all nodes, or of those whose view changed since `before`."""
        old = {} if before is None else {node.id: node for node in before.nodes}
        result = {}
        for node in flow.nodes:
            known = old.get(node.id)
            if known is node:
                continue
            view = self.view(node)
            if known is None or view != self.view(known):
                result[node.id] = view
        return {k: v for k, v in result.items() if v or k in old}


def _kind(node: type[Node]) -> dict[str, Any]:
    declared = node_declaration(node)
    kept = {key: declared[key] for key in KEPT if declared[key] not in ("", None, [])}
    kept["inputs"] = [_lean(port) for port in declared["inputs"]]
    kept["outputs"] = [_lean(port) for port in declared["outputs"]]
    fields = fields_of(declared)
    kept["fields"] = [described(spec) for spec in fields]
    if front := front_of(node.front, fields):
        kept["front"] = front
    if node.variables_of:
        kept["filled"] = {"param": node.variables_of, "port": _ports(_VARIABLE)[0]}
    if node.named_by in node.Params.model_fields:
        kept["named_by"] = node.named_by
    if following := followers().get(node.kind):
        kept["next"] = following
    summary = _summary(node, default_params(node))
    return {**kept, "summary": summary} if summary else kept


def _ports(ports: type[Ports]) -> list[dict[str, Any]]:
    return [_lean(port) for port in port_declarations(ports)]


def _lean(port: Mapping[str, Any]) -> dict[str, Any]:
    lean: dict[str, Any] = {"name": port["name"], "types": port["types"]}
    for key in ("many", "required", "doc"):
        if port.get(key):
            lean[key] = port[key]
    return lean


def _summary(node: type[Node], params: Any) -> str:
    if params is None:
        return ""
    try:
        text = " ".join(str(node.summary(params)).split())
    except Exception:  # a stranger's class must not keep the canvas from drawing
        return ""
    return text if len(text) <= SUMMARY else text[: SUMMARY - 1] + "…"


def note_words(flow: Flow, before: Flow | None = None) -> dict[str, dict[str, Any]]:
    """The texts of notes with the parts that Markdown makes of them: all, or those that changed.

    The text goes along, so that a browser in which it was edited meanwhile does not draw the old.
    """
    old = {} if before is None else {note.id: note.text for note in before.notes}
    return {
        note.id: {"text": note.text, "parts": parse_markdown(note.text)}
        for note in flow.notes
        if note.text and old.get(note.id) != note.text
    }


def problems_by_node(problems: Iterable[Problem]) -> dict[str, list[dict[str, str]]]:
    """Problems as badges show them: by node, `""` for the flow as a whole."""
    found: dict[str, list[dict[str, str]]] = {}
    for problem in problems:
        item = {"code": problem.code, "message": problem.message, "severity": problem.severity}
        if problem.fix:
            item["fix"] = problem.fix
        if problem.port:
            item["port"] = problem.port
        if problem.param:
            item["param"] = problem.param
        found.setdefault(problem.node or "", []).append(item)
    return found


def problem_changes(
    now: Mapping[str, Sequence[Any]], before: Mapping[str, Sequence[Any]]
) -> dict[str, Sequence[Any]]:
    """Badges that differ; an empty list takes one away."""
    gone: dict[str, Sequence[Any]] = {node: [] for node in before if node not in now}
    return gone | {node: items for node, items in now.items() if before.get(node) != items}
