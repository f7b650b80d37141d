"""The flows page: a person's own flows and the templates; new, import, versions."""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_flow
from patchbay.flows.problems import FlowError
from patchbay.studio.documents.document import Document
from patchbay.studio.documents.importing import flow_from
from patchbay.studio.documents.library import Entry
from patchbay.studio.documents.topics import topics, topics_of
from patchbay.studio.documents.versions import Versions
from patchbay.studio.panels.export import export_buttons
from patchbay.studio.panels.versions import versions_dialog
from patchbay.studio.pictures.picture import draw
from patchbay.studio.server import session
from patchbay.studio.server.services import services
from patchbay.studio.views.preview import preview
from patchbay.studio.words import ago, count, plain

_log = logging.getLogger(__name__)
COLUMNS = 3
FIRST = "ask"
"""The template to begin with."""
OWN_FIRST = 9
"""Of a person's own flows this many are shown, the latest, until they ask for all."""


def page() -> None:
    """Draw the page."""
    if name := session.recall("go"):
        session.forget("go")
        st.switch_page(session.recall("page:editor"), query_params={"flow": name})
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("## Flows", anchors=False)
        st.space("stretch")
        wanted = st.text_input(
            "Search", key="flows-search", type="search", live=True, placeholder="Search",
            label_visibility="collapsed", width=260,
        )  # fmt: skip
        st.button("Import", icon=":material/upload:", on_click=_ask, args=("import",))
        st.button("New flow", icon=":material/add:", type="primary", on_click=_new)
    _drop()
    _notice()
    library = services().library
    own = [entry for entry in library.own() if _matches(entry, wanted)]
    folded = len(own) > OWN_FIRST and not wanted and not session.recall("all-own")
    _cards(own[:OWN_FIRST] if folded else own, template=False)
    if folded:
        st.button(f"Show all {len(own)} flows", on_click=session.remember, args=("all-own", True))
    if not own:
        st.caption(
            "Nothing found." if wanted else
            "You have no flows yet. Begin with a template below, or with an empty flow."
        )  # fmt: skip
    _templates(library.templates(), wanted)
    _dialogs()


def _templates(entries: list[Entry], wanted: str | None) -> None:
    """The templates, the small ones first, and what to choose among them by."""
    catalog = services().catalog
    found = [entry for entry in entries if _matches(entry, wanted)]
    if not found:
        return
    st.markdown("### Templates", anchors=False)
    offered = topics([entry.flow for entry in entries if entry.flow], catalog)
    topic = st.pills(
        "Topic", offered, key="flows-topic", label_visibility="collapsed", format_func=plain
    )
    if topic:
        found = [e for e in found if e.flow and topic in topics_of(e.flow, catalog)]
        if not found:
            st.caption(f"No template about {plain(topic)} matches the search.")
    _cards(sorted(found, key=_by_size), template=True)


def _by_size(entry: Entry) -> tuple[bool, int, str]:
    return (entry.name != FIRST, len(entry.flow.nodes) if entry.flow else 0, entry.title)


def _matches(entry: Entry, wanted: str | None) -> bool:
    words = (wanted or "").casefold().split()
    flow = entry.flow
    about = [flow.description, *topics_of(flow, services().catalog)] if flow else []
    text = " ".join([entry.name, entry.title, *about]).casefold()
    return all(word in text for word in words)


# --- cards --------------------------------------------------------------------------------------


def _cards(entries: list[Entry], *, template: bool) -> None:
    for first in range(0, len(entries), COLUMNS):
        for column, entry in zip(
            st.columns(COLUMNS), entries[first : first + COLUMNS], strict=False
        ):
            with column, st.container(border=True, height="stretch", gap="small"):
                try:
                    _card(entry, template)
                except Exception as error:  # one odd flow must not hide the others
                    _log.exception("The card of %s cannot be drawn", entry.path)
                    st.error(f"{plain(entry.name)} cannot be shown here: {plain(str(error))}")


def _card(entry: Entry, template: bool) -> None:
    key = session.path_key(entry.path)
    if entry.flow is not None:
        with st.container(key=f"preview-{key}"):
            _picture(entry)
    st.markdown(f"**{plain(entry.title)}**")
    if entry.flow is None:
        st.error(f"Cannot be opened. {plain(entry.error)}")
    else:
        about = entry.flow.description.strip().partition("\n")[0]
        facts = count(len(entry.flow.nodes), "node")
        facts = facts if template else f"{facts} · {ago(entry.modified)}"
        shown = plain(about[:160] + ("…" if len(about) > 160 else "")) or "No description."
        st.caption(f"{shown}  \n{facts}")
    st.space("stretch")
    with st.container(horizontal=True, gap="xsmall"):
        if template:
            st.button("Use template", key=f"use:{key}", on_click=_use, args=(entry.path,))
            st.button(
                "Look", key=f"look:{key}", type="tertiary", on_click=_ask, args=("look", entry.path)
            )
            return
        st.button(
            "Open",
            key=f"open:{key}",
            on_click=_open,
            args=(entry.name,),
            disabled=entry.flow is None,
        )
        chosen = st.menu_button(
            "More", ["Rename", "Duplicate", "Versions", "Download", "Delete"], key=f"more:{key}",
            on_click=_more, args=(entry.path, f"more:{key}"), type="tertiary",
        )  # fmt: skip
        del chosen  # the callback has acted on it


def _picture(entry: Entry) -> None:
    try:
        drawn = _thumbnail(entry.path, entry.modified, _dark())
    except Exception:
        _log.exception("The picture of %s cannot be drawn", entry.path)
        st.caption("This flow cannot be drawn small. Open it to see it.")
        return
    st.image(drawn, width="stretch")


@st.cache_data(max_entries=300, show_spinner=False)
def _thumbnail(path: Path, modified: float, dark: bool) -> str:
    return draw(read_flow(path), services().catalog).svg(dark=dark)


def _dark() -> bool:
    return getattr(st.context.theme, "type", None) == "dark"


# --- what the buttons do ------------------------------------------------------------------------


def _open(name: str) -> None:
    session.open_flow(name)
    session.remember("go", name)


def _new() -> None:
    _open(services().library.create(Flow(name="Untitled"), "untitled").stem)


def _use(template: Path) -> None:
    try:
        _open(services().library.use_template(template).stem)
    except FlowError as error:
        session.remember("refused", error.problems)


def _more(path: Path, key: str) -> None:
    what = st.session_state[key]
    library = services().library
    try:
        if what == "Duplicate":
            library.duplicate(path)
        elif what == "Delete":
            services().documents.close(path)
            session.remember("deleted", (path.stem, library.delete(path)))
        else:
            _ask(str(what).lower(), path)
    except (FlowError, OSError) as error:
        session.remember("notice", str(error))


def _ask(dialog: str, path: Path | None = None) -> None:
    session.remember("dialog", (dialog, path))


def _undelete() -> None:
    _, resting = session.recall("deleted")
    session.forget("deleted")
    services().library.restore(resting)


def _notice() -> None:
    if notice := session.recall("notice"):
        session.forget("notice")
        st.info(plain(notice))
    if refused := session.recall("refused"):
        session.forget("refused")
        _problems("The file holds no flow that can be opened. Nothing was changed.", refused)
    if deleted := session.recall("deleted"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{plain(deleted[0])} was deleted.")
            st.button("Undo", on_click=_undelete, key="undelete")


def _problems(words: str, problems: tuple[object, ...]) -> None:
    st.error(words)
    for problem in problems[:20]:
        st.markdown(f"- {plain(str(problem))}")


def _drop() -> None:
    """A place to drop a flow on: it opens at once. What cannot be read is refused by `_notice`."""
    key = f"dropped:{session.recall('drops', 0)}"  # a new key empties it for the next file

    def dropped() -> None:
        given = st.session_state.get(key)
        if given is None:
            return
        session.remember("drops", session.recall("drops", 0) + 1)
        try:
            flow = flow_from(given.getvalue())
            _open(services().library.create(flow, Path(given.name).stem).stem)
        except FlowError as error:
            session.remember("refused", error.problems)

    with st.container(key="drop"):
        st.file_uploader(
            "Drop a flow here to open it: JSON, or a PNG or SVG that was exported here",
            type=["json", "png", "svg"], key=key, on_change=dropped,
        )  # fmt: skip


# --- dialogs ------------------------------------------------------------------------------------


def _dialogs() -> None:
    name, path = session.recall("dialog", ("", None))
    session.forget("dialog")
    if name == "import":
        _import()
    elif name == "look":
        _look(path)
    elif name == "rename":
        _rename(path)
    elif name == "download":
        _download(path)
    elif name == "versions":
        versions_dialog(path)


@st.dialog("Import a flow", width="medium")
def _import() -> None:
    st.markdown("A flow as JSON, or a picture (PNG or SVG) that was exported from a studio.")
    given = st.file_uploader(
        "File", type=["json", "png", "svg"], key="import-file", label_visibility="collapsed"
    )
    pasted = st.text_area("Or paste the JSON", key="import-text", height=160)
    if st.button("Import", type="primary", key="import-go", disabled=not (given or pasted)):
        data = given.getvalue() if given else str(pasted).encode()
        name = Path(given.name).stem if given else ""
        try:
            flow = flow_from(data)
            _open(services().library.create(flow, name).stem)
        except FlowError as error:
            _problems("This cannot be imported; nothing was changed.", error.problems)
            return
        st.rerun()


@st.dialog("Template", width="large")
def _look(path: Path) -> None:
    flow = read_flow(path)
    st.markdown(f"**{plain(flow.name)}**")
    st.markdown(plain(flow.description))
    preview(flow, key=f"look-{session.path_key(path)}", height=380)
    if st.button("Use template", type="primary", key="look-use"):
        _use(path)
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
    try:
        services().documents.close(path)
        target = services().library.rename(path, wanted)
        Versions(services().home, path).move(target)
    except OSError as error:
        session.remember("notice", f"The file keeps its name: {error}")


@st.dialog("Download")
def _download(path: Path) -> None:
    if document := _opened(path):
        export_buttons(document)


def _opened(path: Path) -> Document | None:
    """The document of a file; None where it holds no flow, which is told."""
    try:
        return services().documents.open(path)
    except FlowError as error:
        _problems(
            "The file holds no flow that can be opened. It has not been changed.", error.problems
        )
        return None
