"""The editor: toolbar and canvas, with everything else in the canvas's dock."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from patchbay.flows.document.operations import SetMeta
from patchbay.flows.problems import FlowError
from patchbay.flows.wording import plural
from patchbay.studio.canvas import Dock, canvas
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.inspector.starting import latest, stop
from patchbay.studio.panels.export import export_menu
from patchbay.studio.panels.versions import versions_dialog
from patchbay.studio.plain_text import plain
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.screens.editor_commands import (
    REFUSED_RUN,
    EditorCommands,
    errors_in,
    run_flow,
)
from patchbay.studio.screens.own_flows import note_opened
from patchbay.studio.server import session
from patchbay.studio.server.editing import edit
from patchbay.studio.server.reruns import rerun_parts
from patchbay.studio.server.services import services
from patchbay.studio.server.wished_page import go, open_in_editor
from patchbay.studio.views.live import pulse, query
from patchbay.studio.views.problems import list_problems


def page() -> None:
    """Draw the page."""
    if run := st.query_params.get("run"):
        from patchbay.studio.screens import past

        past.page(run)
        return
    document = _document()
    if document is None:
        return
    st.session_state["document"] = document
    note_opened(session.flow_name())
    _report()
    _toolbar()
    with st.container(key="surface"):
        _canvas()


def _document() -> FlowDocument | None:
    name = session.flow_name()
    path = services().library.path(name)
    if path is None:
        st.markdown("#### No flow is open")
        st.markdown("Open one, or begin with a template.")
        st.page_link(session.recall("page:flows"), label="Go to the flows")
        return None
    if st.query_params.get("flow") != name:
        st.query_params["flow"] = name
    try:
        return services().documents.open(path)
    except FlowError as error:
        from patchbay.studio.panels.broken import ways_on

        st.error(f"{plain(path.name)} cannot be opened. It has not been changed.")
        list_problems(error.problems)
        ways_on(path)
        return None


def _report() -> None:
    """What became of another builder's file that was dropped here."""
    rows = session.recall("report")
    if rows:
        from patchbay.studio.views.import_report import report_dialog

        session.forget("report")
        report_dialog(rows, open_in_editor)


def _open() -> FlowDocument:
    document: FlowDocument = st.session_state["document"]
    return document


def refresh() -> NoReturn:
    """Rerun what depends on the flow or the run. For callbacks."""
    rerun_parts("toolbar", "canvas")


# --- the toolbar --------------------------------------------------------------------------------


@st.fragment(key="toolbar")
def _toolbar() -> None:
    document = _open()
    session.draws("toolbar", _toolbar_stamp(document))
    live = latest(document, session.browser())
    with st.container(horizontal=True, vertical_alignment="center", key="toolbar-row", gap="small"):
        _name(document)
        pulse(document, live, refresh)
        st.space("stretch")
        _undo_and_redo(document)
        _count(document)
        _ways_out(document)
        _run_or_stop(document, live)
    _notices(document)
    _dialogs(document)


def _undo_and_redo(document: FlowDocument) -> None:
    me = session.client()
    st.button(
        "", key="undo", icon=":material/undo:", help="Undo (Ctrl+Z)", on_click=_travel,
        args=("undo",), disabled=not document.can_undo(me), type="tertiary",
    )  # fmt: skip
    st.button(
        "", key="redo", icon=":material/redo:", help="Redo (Ctrl+Shift+Z)", on_click=_travel,
        args=("redo",), disabled=not document.can_redo(me), type="tertiary",
    )  # fmt: skip


def _count(document: FlowDocument) -> None:
    """How many errors there are, once somebody has tried to run it; a button that lists them."""
    bad = errors_in(document) if session.tried(document) else 0
    st.button(
        plural(bad, "error") if bad else "Validate", key="validate", on_click=_validate,
        icon=":material/error:" if bad else ":material/rule:",
        help="List everything that is wrong with the flow.",
    )  # fmt: skip


def _ways_out(document: FlowDocument) -> None:
    """What else can be done with the flow, beside the canvas."""
    st.button(
        "", key="versions", icon=":material/history:", type="tertiary", help="Versions",
        on_click=session.remember, args=("show-versions", True),
    )  # fmt: skip
    st.button(
        "", key="over-table", icon=":material/table_rows:", type="tertiary",
        help="Run over a table", on_click=_over_table,
    )  # fmt: skip
    st.button(
        "", key="elsewhere", icon=":material/cell_tower:", type="tertiary",
        help="Use it elsewhere", on_click=session.remember, args=("show-elsewhere", True),
    )  # fmt: skip
    st.button(
        "", key="variants", icon=":material/science:", type="tertiary", help="Try variants",
        on_click=_try_variants,
    )  # fmt: skip
    export_menu(document)


def _run_or_stop(document: FlowDocument, live: LiveRun | None) -> None:
    if live and live.active:
        st.button("Stop", key="stop", icon=":material/stop:", type="primary", on_click=_stop)
    else:
        st.button(
            "Run", key="run", icon=":material/play_arrow:", type="primary", on_click=_run,
            disabled=not document.flow.nodes,
        )  # fmt: skip


def _dialogs(document: FlowDocument) -> None:
    """The one that was asked for, if any."""
    if session.recall("show-versions") and document.path:
        session.forget("show-versions")
        document.save()
        versions_dialog(document.path)
    elif (node := session.recall("show-documents")) is not None:
        from patchbay.studio.panels.documents import documents_dialog

        session.forget("show-documents")
        documents_dialog(document, node)
    elif session.recall("show-elsewhere") and document.path:
        from patchbay.studio.panels.elsewhere import elsewhere_dialog

        session.forget("show-elsewhere")
        document.save()
        elsewhere_dialog(document.path)


def _name(document: FlowDocument) -> None:
    name = f"name:{document.id}"
    key = session.widget_key(name, document.flow.name)

    def renamed() -> None:
        typed = " ".join((st.session_state[key] or "").split())[:300] or "Untitled"
        if session.widget_gave(name, key, typed):
            edit(document, SetMeta(name=typed), refresh, merge="name")

    st.text_input(
        "Name of the flow", document.flow.name, key=key, label_visibility="collapsed",
        on_change=renamed, max_chars=300, width=300,
    )  # fmt: skip


def _notices(document: FlowDocument) -> None:
    """Why the flow is not saved. A conflict is settled on the canvas, where its banner is."""
    if document.save_error:
        for problem in document.save_error.problems[:3]:
            st.error(f"Not saved. {plain(problem.message)} {plain(problem.fix)}")


def _travel(direction: str) -> None:
    from patchbay.flows.document.edit import EditError

    document = _open()
    try:
        getattr(document, direction)(session.client())
    except EditError as error:
        session.remember("notice", str(error))
    refresh()


def _validate() -> None:
    session.note_try(_open())
    session.show_panel("Problems")
    refresh()


def _run() -> None:
    run_flow(_open())
    refresh()


def _stop() -> None:
    stop(_open(), session.browser())
    refresh()


def _over_table() -> None:
    _open().save()
    go("tables", flow=session.flow_name())


def _try_variants() -> None:
    go("experiments", flow=session.flow_name())


# --- the canvas ---------------------------------------------------------------------------------


@st.fragment(key="canvas")
def _canvas() -> None:
    document = _open()
    if session.recall(REFUSED_RUN) and not errors_in(document):
        session.unsay(REFUSED_RUN)
    canvas(
        document,
        catalog=services().catalog,
        find=services().documents.by_id,
        key=session.CANVAS,
        client=session.client(),
        events=f"patchbay/events?{query(document)}",
        reveal=session.revealed(),
        dock=_dock(),
        on_change=_changed,
        page=EditorCommands(document, refresh),
    )


def _dock() -> Dock:
    """The dock over the canvas: its tabs, and which of them this page wants in front."""
    return Dock(panels=session.PANELS, front=session.shown_panel(), notice=session.told())


def _changed() -> None:
    """Rerun what shows something else now. Most edits on the canvas change nothing beside it."""
    if not session.drew("toolbar", _toolbar_stamp(_open())):
        rerun_parts("canvas", "toolbar")


def _toolbar_stamp(document: FlowDocument) -> object:
    me, flow = session.client(), document.flow
    return (
        document.id, flow.name, document.can_undo(me), document.can_redo(me), errors_in(document),
        session.tried(document), document.conflict, document.save_error, _run_stamp(document),
        not flow.nodes,
    )  # fmt: skip


def _run_stamp(document: FlowDocument) -> object:
    live = latest(document, session.browser())
    return live and (live.id, live.progress.state, len(live.progress.questions))
