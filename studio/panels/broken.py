"""Ways on with a file that holds no flow, as the Flows page and the editor offer them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from patchbay.flows.problems import FlowError
from patchbay.studio.documents.broken import kept_versions, replace_text, text_of
from patchbay.studio.plain_text import builder_name, plain
from patchbay.studio.server import session
from patchbay.studio.server.services import services
from patchbay.studio.server.wished_page import open_in_editor
from patchbay.studio.views.problems import list_problems


@st.dialog("The file as text", width="large")
def text_dialog(path: Path) -> None:
    """The text of a file, to be fixed by hand. What it held goes to the trash."""
    try:
        text, whole = text_of(path)
    except OSError as error:
        st.error(f"{plain(path.name)} cannot be read: {plain(error.strerror or str(error))}.")
        return
    list_problems(problems_of(path), 8)
    # What was typed and left counts no more once the file holds something else.
    key = f"text:{session.path_key(path)}:{session.short_key(text)}"
    typed = st.text_area(
        path.name, text, height=420, key=key, disabled=not whole, label_visibility="collapsed"
    )
    if not whole:
        st.caption("It is too large, or no text, so it can only be looked at here.")
    with st.container(horizontal=True):
        if st.button("Save", type="primary", key="text-go", disabled=not whole):
            try:
                replace_text(path, typed, services().library.trash)
            except FlowError as error:
                st.error("This holds no flow yet; nothing was changed.")
                list_problems(error.problems, 8)
                return
            except OSError as error:
                st.error(f"It could not be saved: {plain(str(error))}")
                return
            session.forget(key)
            st.rerun()
        st.download_button(
            "Download", text, path.name, "application/json", key="text-download", on_click="ignore"
        )


def problems_of(path: Path) -> tuple[object, ...]:
    """What is wrong with a file; nothing where it holds a flow."""
    from patchbay.flows.document.reading import read_flow

    try:
        read_flow(path)
    except FlowError as error:
        return error.problems
    return ()


def ways_on(path: Path) -> None:
    """What can be done with a file that holds no flow, as a row of buttons."""
    kept = kept_versions(services().home, path)
    (card,) = services().cards.of([path]) or (None,)
    with st.container(horizontal=True):
        if kept and st.button("Bring back an earlier version", key="way-back", type="primary"):
            from patchbay.studio.panels.versions import versions_dialog

            versions_dialog(path)
        if card and card.builder and st.button(
            f"Import it from {builder_name(card.builder)}", key="way-import", type="primary"
        ):  # fmt: skip
            from patchbay.studio.documents.importing import taken_in

            try:
                rows = taken_in(services().library, path.read_bytes(), path.name)
            except (FlowError, OSError) as error:
                st.error(f"It cannot be imported; nothing was changed. {plain(str(error))}")
                return
            session.remember("report", rows)
            open_in_editor(rows[0].stem)
            st.rerun()
        if path.is_file() and st.button("Open as text", key="way-text"):
            text_dialog(path)
        st.page_link(session.recall("page:flows"), label="Go to the flows")
    if not kept:
        st.caption("No earlier version of it was kept here.")
