"""The tables page: a flow over a table, watched as it fills."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from patchbay.flows.problems import FlowError
from patchbay.flows.wording import plural
from patchbay.nodes.units import ago
from patchbay.studio.plain_text import plain
from patchbay.studio.runs.table_run import TableRun
from patchbay.studio.server import session
from patchbay.studio.server.services import services
from patchbay.studio.views.problems import list_problems

STATES = {
    "finished": ("green", "Finished"), "failed": ("red", "Ended early"),
    "stopped": ("gray", "Stopped"), "running": ("blue", "Running"),
}  # fmt: skip


def page() -> None:
    """Draw the page."""
    chosen = st.query_params.get("table")
    run = services().tables.get(chosen) if chosen else None
    if run is not None and run.order.owner == session.browser():
        _one(run)
    elif path := services().library.path(st.query_params.get("flow") or ""):
        _new(path)
    else:
        _all()


# --- the list -----------------------------------------------------------------------------------


def _all() -> None:
    st.markdown("## Tables", anchors=False)
    st.caption("A flow, run over the rows of a CSV, JSON Lines, Parquet or Excel file.")
    own = list(services().library.own_files())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Flow", [path.stem for path in own], index=None, key="tables-flow", width=320,
            placeholder="Choose a flow" if own else "You have no flows yet",
        )  # fmt: skip
        st.button(
            "Run over a table", type="primary", icon=":material/table_rows:", key="tables-new",
            disabled=not name, on_click=_choose, args=(name or "",),
        )  # fmt: skip
    runs = services().tables.of(session.browser())
    if not runs:
        st.caption("No flow has been run over a table yet.")
    for run in runs:
        _row(run)


def _row(run: TableRun) -> None:
    tint, word = STATES[run.state]
    seen = run.look()
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width=110):
            st.markdown(f":{tint}-badge[{word}]")
        with st.container(width=230):
            st.markdown(f"**{plain(run.order.title)}**")
        with st.container(width="stretch"):
            st.caption(plain(run.order.rows))
        with st.container(width=230):
            facts = [ago(run.order.begun_at), plural(seen.count, "row")]
            facts += [f"{seen.failed:,} failed"] if seen.failed else []
            st.caption(plain(" · ".join(facts)))
        st.button("Open", key=f"table:{run.id}", on_click=_open, args=(run.id,))


def _choose(name: str) -> None:
    st.query_params["flow"] = name


def _open(run_id: str) -> None:
    st.query_params.clear()
    st.query_params["table"] = run_id


def _back() -> None:
    st.query_params.clear()


# --- a new one ----------------------------------------------------------------------------------


def _new(path: Path) -> None:
    from patchbay.studio.panels.table_form import table_form

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All tables", icon=":material/arrow_back:", type="tertiary", on_click=_back)
    try:
        document = services().documents.open(path)
    except FlowError as error:
        st.error(f"{plain(path.name)} cannot be opened.")
        list_problems(error.problems, 8)
        return
    st.markdown(f"### Run “{plain(document.flow.name)}” over a table", anchors=False)
    table_form(document, _open)


# --- one of them --------------------------------------------------------------------------------


def _one(run: TableRun) -> None:
    from patchbay.studio.panels.table_rows import show_table_run

    tint, word = STATES[run.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All tables", icon=":material/arrow_back:", type="tertiary", on_click=_back)
        st.markdown(f"### {plain(run.order.title)}", anchors=False)
        st.markdown(f":{tint}-badge[{word}]")
        st.caption(plain(run.order.rows))
        st.space("stretch")
        _offers(run)
    if refused := session.recall("table-refused"):
        session.forget("table-refused")
        st.error(plain(refused))
    # Redrawn by itself only while rows come; the end of them redraws the page.
    st.fragment(show_table_run, run_every=1.0 if run.active else None)(run.id, run.active)


def _offers(run: TableRun) -> None:
    tables = services().tables
    if run.active:
        st.button(
            "Stop", icon=":material/stop:", key="table-stop", on_click=tables.stop, args=(run.id,),
            help="What is done is kept; it can be gone on with.",
        )  # fmt: skip
        return
    if run.state != "finished":
        st.button(
            "Resume", icon=":material/resume:", type="primary", key="table-resume",
            on_click=_resume, args=(run.id,), help="Goes on where it stopped: no row twice.",
        )  # fmt: skip
    st.button("Delete", type="tertiary", key="table-delete", on_click=_delete, args=(run.id,))


def _resume(run_id: str) -> None:
    try:
        services().tables.resume(run_id)
    except FlowError as error:
        session.remember("table-refused", f"It cannot be gone on with. {error.in_words()}")
    except OSError as error:
        session.remember("table-refused", f"It cannot be gone on with: {error}")


def _delete(run_id: str) -> None:
    services().tables.delete(run_id)
    _back()
