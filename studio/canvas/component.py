"""Mounting the canvas in a page, and taking what it sends."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
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
from patchbay.studio.server.frontend import component

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
        front: the panel that the page brought to the front last; and how often it brought one.
        notice: what the page said last, and how often it said something.
    """

    panels: tuple[str, ...] = ()
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
    setup: dict[str, Any] = {"height": height, "readonly": readonly, "events": events}
    if reveal:
        setup["reveal"] = list(reveal)
    if dock:
        setup["dock"] = asdict(dock)
    data = document_data(document, view, client, memory, setup)
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
    """What this session's browser is known to have: revisions and set-ups by document, and the
    catalog. A new page is a new session, of whose browser nothing is known.
    """

    def __init__(self) -> None:
        self.revisions: dict[str, int] = {}
        self.setups: dict[str, str] = {}
        self.catalog = ""
        self.badges: OrderedDict[tuple[str, int], dict[str, Any]] = OrderedDict()

    def keep(self, document: str, revision: int, badges: dict[str, Any]) -> None:
        """Remember which badges went with a revision, for the next difference."""
        self.badges[document, revision] = badges
        while len(self.badges) > 40:
            self.badges.popitem(last=False)


def document_data(
    document: FlowDocument,
    view: CatalogView,
    client: str,
    memory: _Memory,
    setup: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What brings the browser from what it has to what is. `setup` is what the page gives."""
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
    if document.conflict:
        data["conflict"] = document.conflict.message
    if memory.catalog != view.digest:
        data["catalog"], data["catalog_digest"] = view.kinds, view.digest
    told = _setup(document, client, setup or {})
    if memory.setups.get(document.id) != told["digest"]:
        data["setup"] = told
    return data


def _setup(document: FlowDocument, client: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What seldom changes: sent until the browser names its digest, then no more."""
    setup = {"client": client, **{name: value for name, value in given.items() if value}}
    if document.pins.turn or document.pins.of(document.flow):
        setup["pins"] = told_pins(document)
    text = json.dumps(setup, sort_keys=True)
    return {"digest": hashlib.sha256(text.encode()).hexdigest()[:8], **setup}


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
    memory.setups[document.id] = str(payload.get("setup", ""))
    operations = payload.get("ops")
    return document.submit(
        str(payload.get("client", "")), operations if isinstance(operations, list) else []
    )


def _lean(status: NodeStatus) -> dict[str, Any]:
    return {key: value for key, value in asdict(status).items() if value not in (None, "")}


@cache
def _component() -> Callable[..., Any]:
    return component(NAME, "canvas", "<div class='pb-host'></div>")


_VIEWS: OrderedDict[int, CatalogView] = OrderedDict()


def _view(catalog: Catalog) -> CatalogView:
    view = _VIEWS.get(id(catalog))
    if view is None or view.catalog is not catalog:
        view = _VIEWS[id(catalog)] = CatalogView(catalog)
        while len(_VIEWS) > 4:
            _VIEWS.popitem(last=False)
    return view
