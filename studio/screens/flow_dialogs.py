"""The dialogs of the Flows page: import, look, rename, file, download."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from patchbay.flows.problems import FlowError
from patchbay.studio.plain_text import plain
from patchbay.studio.screens.own_flows import BACK, FILE, TEXT
from patchbay.studio.server import session
from patchbay.studio.server.services import services
from patchbay.studio.server.wished_page import open_in_editor
from patchbay.studio.views.problems import list_problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from patchbay.studio.documents.document import FlowDocument

# What only a dialog needs is imported when it is shown: the page is the one that people wait for.

FILE_TYPES = ["json", "png", "svg", "yaml", "yml"]
"""What can be imported."""


def dialogs(use: Callable[[Path], None]) -> None:
    """Show the dialog that was asked for, if any. `use` opens a copy of a template."""
    name, path = session.recall("dialog", ("", None))
    session.forget("dialog")
    if name == "import":
        _import()
    elif name == "report":
        from patchbay.studio.views.import_report import report_dialog

        report_dialog(path, open_in_editor)
    elif name == "look":
        _look(path, use)
    elif name == "rename":
        _rename(path)
    elif name == FILE.lower():
        _file(path)
    elif name == "download":
        _download(path)
    elif name in {"versions", BACK.lower()}:
        from patchbay.studio.panels.versions import versions_dialog

        versions_dialog(path)
    elif name == TEXT.lower():
        from patchbay.studio.panels.broken import text_dialog

        text_dialog(path)
    elif name == "use it elsewhere":
        from patchbay.studio.panels.elsewhere import elsewhere_dialog

        elsewhere_dialog(path)


def take(data: bytes, file: str) -> None:
    """Open a flow of ours at once; show what became of another builder's.

    Raises:
        FlowError: the data holds no flow.
    """
    from patchbay.studio.documents.importing import taken_in

    rows = taken_in(services().library, data, file)
    if rows[0].report is None:
        open_in_editor(rows[0].stem)
        return
    session.remember("dialog", ("report", rows))


def tell_problems(words: str, problems: tuple[object, ...]) -> None:
    """What is wrong with a file, as a list."""
    st.error(words)
    list_problems(problems)


@st.dialog("Import a flow", width="medium")
def _import() -> None:
    st.markdown(
        "A flow as JSON, a picture (PNG or SVG) that was exported from a studio, or a flow of "
        "Flowise, Langflow, CrewAI, Haystack, Dify or n8n. Nothing in it is executed."
    )
    given = st.file_uploader(
        "File", type=FILE_TYPES, key="import-file", label_visibility="collapsed"
    )
    pasted = st.text_area("Or paste the text", key="import-text", height=160)
    if st.button("Import", type="primary", key="import-go", disabled=not (given or pasted)):
        data = given.getvalue() if given else str(pasted).encode()
        try:
            take(data, given.name if given else "")
        except FlowError as error:
            tell_problems("This cannot be imported; nothing was changed.", error.problems)
            return
        st.rerun()


@st.dialog("Template", width="large")
def _look(path: Path, use: Callable[[Path], None]) -> None:
    from patchbay.flows.document.reading import read_flow
    from patchbay.studio.views.preview import preview

    flow = read_flow(path)
    st.markdown(f"**{plain(flow.name)}**")
    st.markdown(plain(flow.description))
    preview(flow, key=f"look-{session.path_key(path)}", height=380)
    if st.button("Use template", type="primary", key="look-use"):
        use(path)
        st.rerun()


@st.dialog("Rename")
def _rename(path: Path) -> None:
    document = _opened(path)
    if document is None:
        return
    name = st.text_input("Name", document.flow.name, max_chars=300)
    file = st.text_input(
        "File", path.stem, max_chars=60,
        help="What the command line, and flows that run this one, call it. `.json` is added.",
    )  # fmt: skip
    if users := services().library.users(path):
        st.caption(f"Named by {plain(', '.join(users))}: change it there too.")
    if st.button("Rename", type="primary", key="rename-go") and name.strip() and file.strip():
        from patchbay.flows.document.operations import SetMeta

        document.apply(SetMeta(name=" ".join(name.split())), client=session.client())
        document.save()
        _rename_file(path, file)
        st.rerun()


def _rename_file(path: Path, wanted: str) -> None:
    from patchbay.flows.runs.moving import move_place
    from patchbay.studio.documents.pins import Pins
    from patchbay.studio.documents.versions import Versions

    try:
        services().documents.close(path)
        target = services().library.rename(path, wanted)
        Versions(services().home, path).move(target)
        Pins(services().home, path).move(services().home, target)
        if target != path:
            services().served.forget(path)
            services().filing.move(path.stem, target.stem)
    except OSError as error:
        session.remember("notice", f"The file keeps its name: {error}")
        return
    try:
        if target != path:
            move_place(services().history, path.resolve(), target.resolve())
    except FlowError as error:
        session.remember(
            "notice",
            "The conversations and facts of the flow did not go along: "
            f"{error.problems[0].message} "
            f"Later: patchbay threads move {path} {target}",
        )


@st.dialog("Folder and tags")
def _file(path: Path) -> None:
    filing = services().filing
    filed = filing.of(path.stem)
    # A dialog that was only closed leaves what its fields held to the next one of the same key.
    key = session.path_key(path)
    stems = [own.stem for own in services().library.own_files()]
    folders, tags = filing.folders(stems), filing.tags(stems)
    folder = st.selectbox(
        "Folder", folders, index=folders.index(filed.folder) if filed.folder else None,
        accept_new_options=True, placeholder="None", key=f"file-folder:{key}",
        help="A name on this page. The file stays where it is, so flows that run it find it.",
    )  # fmt: skip
    chosen = st.multiselect(
        "Tags", tags, default=list(filed.tags), accept_new_options=True, key=f"file-tags:{key}",
        placeholder="Choose or type one",
    )  # fmt: skip
    if st.button("Save", type="primary", key="file-go"):
        try:
            filing.put(path.stem, folder or "", chosen)
        except OSError as error:
            st.error(f"It could not be kept: {plain(str(error))}")
            return
        st.rerun()


@st.dialog("Download")
def _download(path: Path) -> None:
    from patchbay.studio.panels.export import export_buttons

    if document := _opened(path):
        export_buttons(document)


def _opened(path: Path) -> FlowDocument | None:
    """The document of a file; None where it holds no flow, which is told."""
    try:
        return services().documents.open(path)
    except FlowError as error:
        tell_problems(
            "The file holds no flow that can be opened. It has not been changed.", error.problems
        )
        return None
