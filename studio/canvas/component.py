"""Mounting the canvas in a page, and taking what it sends."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, cast

from patchbay.nodes.catalog import Catalog
from patchbay.studio.canvas.commands import CanvasPage, perform
from patchbay.studio.canvas.views import (
    CatalogView,
    note_words,
    problem_changes,
    problems_by_node,
)
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.inspector.pinning import told_pins
from patchbay.studio.server.frontend import addresses, component

NAME = "patchbay.canvas"

Find = Callable[[str], FlowDocument | None]
"""The open document with an id, which need not be the one that the page shows by now."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """How far a node is in a run. `seconds` is wall time; `text` what it has streamed so far."""

    status: str
    seconds: float | None = None
    tokens: int | None = None
    text: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Dock:
    """The dock over the canvas: the settings of what is selected, and further panels.

    Args:
        panels: the further ones, by the names of their tabs; the canvas draws them all.
        counts: numbers that stand on tabs.
        front: the panel that the page brought to the front last; and how often it brought one.
        notice: what the page said last, and how often it said something.
    """

    panels: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    front: tuple[str, int] = ("", 0)
    notice: tuple[str, int] = ("", 0)


@dataclass(frozen=True, slots=True)
class CanvasState:
    """What is selected on the canvas, by id; wires as (from, to)."""

    nodes: tuple[str, ...] = ()
    edges: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


def canvas(
    document: FlowDocument,
    *,
    catalog: Catalog,
    find: Find,
    key: str = "canvas",
    client: str,
    height: str = "",
    status: Mapping[str, NodeStatus] | None = None,
    events: str = "",
    reveal: tuple[str, int] | None = None,
    dock: Dock | None = None,
    readonly: bool = False,
    timeline: Sequence[Mapping[str, Any]] | None = None,
    on_change: Callable[[], None] | None = None,
    on_select: Callable[[], None] | None = None,
    page: CanvasPage | None = None,
) -> CanvasState:
    """Draw a document and take edits. See the package's docstring for every argument."""
    import streamlit as st

    view = _view(catalog)
    memory: _Memory = st.session_state.setdefault(f"_{key}_memory", _Memory())
    data = document_data(document, view, client, memory)
    told = {"height": height, "readonly": readonly, "events": events}
    data |= {**addresses("canvas"), **{name: value for name, value in told.items() if value}}
    if reveal:
        data["reveal"] = list(reveal)
    if dock:
        data["dock"] = asdict(dock)
    if timeline is not None:
        data["timeline"] = list(timeline)
    if status is not None:
        data["status"] = {node: _lean(item) for node, item in status.items()}

    def edited() -> None:
        payload = (st.session_state.get(key) or {}).get("edit")
        if not isinstance(payload, Mapping):
            return
        commands = take(payload, memory, find)
        if page is None or payload.get("doc") != document.id:
            commands = []  # nobody is there to ask, or the page shows another flow by now
        done = page.refresh if page and commands else on_change
        try:
            for command in commands:
                perform(
                    str(command.get("name", "")),
                    str(command.get("arg", "")),
                    cast(CanvasPage, page),
                )
        finally:
            if done:
                done()

    _component()(
        key=key,
        data=data,
        default={"selection": {}},
        on_edit_change=edited,
        on_selection_change=on_select or (lambda: None),
        height="content",
    )
    return selection(key)


def selection(key: str = "canvas") -> CanvasState:
    """What is selected on the canvas with this key."""
    import streamlit as st

    chosen = (st.session_state.get(key) or {}).get("selection") or {}
    edges = tuple((str(a), str(b)) for a, b in chosen.get("edges", ()))
    named = {kind: tuple(map(str, chosen.get(kind, ()))) for kind in ("nodes", "notes", "groups")}
    return CanvasState(edges=edges, **named)


# --- what goes down and what comes up -----------------------------------------------------------


class _Memory:
    """What this session's browser is known to have: revisions by document, and the catalog."""

    def __init__(self) -> None:
        self.revisions: dict[str, int] = {}
        self.catalog = ""
        self.badges: OrderedDict[tuple[str, int], dict[str, Any]] = OrderedDict()

    def keep(self, document: str, revision: int, badges: dict[str, Any]) -> None:
        """Remember which badges went with a revision, for the next difference."""
        self.badges[document, revision] = badges
        while len(self.badges) > 40:
            self.badges.popitem(last=False)


def document_data(
    document: FlowDocument, view: CatalogView, client: str, memory: _Memory
) -> dict[str, Any]:
    """What brings the browser from what it has to what is."""
    known = memory.revisions.get(document.id)
    data = document.since(client, known)
    before = document.flow_at(known) if known is not None and "snap" not in data else None
    if views := view.views(document.flow, before):
        data["views"] = views
    if words := note_words(document.flow, before):
        data["words"] = words
    badges = problems_by_node(document.problems())
    old = memory.badges.get((document.id, known)) if known is not None else None
    if before is None or old is None:
        data["problems"], data["all_problems"] = badges, True
    elif changed := problem_changes(badges, old):
        data["problems"] = changed
    memory.keep(document.id, data["rev"], badges)
    if document.pins.turn or document.pins.of(document.flow):
        data["pins"] = told_pins(document)
    if document.conflict:
        data["conflict"] = document.conflict.message
    data["catalog_digest"] = view.digest
    if memory.catalog != view.digest:
        data["catalog"] = view.kinds
    return data


def take(payload: Mapping[str, Any], memory: _Memory, find: Find) -> list[Mapping[str, Any]]:
    """Hand what a browser sent to its document; returns the commands among it."""
    document = find(str(payload.get("doc", "")))
    if document is None:
        return []
    revision = payload.get("rev")
    if isinstance(revision, int) and revision <= document.revision:
        memory.revisions[document.id] = revision
    elif revision is None:
        memory.revisions.pop(document.id, None)
    memory.catalog = str(payload.get("catalog", ""))
    operations = payload.get("ops")
    return document.submit(
        str(payload.get("client", "")), operations if isinstance(operations, list) else []
    )


def _lean(status: NodeStatus) -> dict[str, Any]:
    return {key: value for key, value in asdict(status).items() if value not in (None, "")}


@cache
def _component() -> Callable[..., Any]:
    return component(NAME, "<div class='pb-host'></div>")


_VIEWS: OrderedDict[int, CatalogView] = OrderedDict()


def _view(catalog: Catalog) -> CatalogView:
    view = _VIEWS.get(id(catalog))
    if view is None or view.catalog is not catalog:
        view = _VIEWS[id(catalog)] = CatalogView(catalog)
        while len(_VIEWS) > 4:
            _VIEWS.popitem(last=False)
    return view
