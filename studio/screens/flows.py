"""The flows page: a person's own flows and the templates; new, import, versions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from patchbay.flows.problems import FlowError
from patchbay.flows.wording import plural
from patchbay.nodes.units import ago
from patchbay.studio.documents.cards import Card
from patchbay.studio.server import session
from patchbay.studio.server.services import services
from patchbay.studio.views.gallery import gallery
from patchbay.studio.words import plain

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from patchbay.studio.documents.document import FlowDocument

# What only a button needs is imported when it is pressed: this is the page that people wait for.

_log = logging.getLogger(__name__)
COLUMNS = 3
FILE_TYPES = ["json", "png", "svg", "yaml", "yml"]
"""What can be imported."""
FIRST = "ask"
"""The template to begin with."""
SEARCH = "flows-search"
"""The key of the search field."""
MENU = [
    "Rename", "Duplicate", "Versions", "Download", "Run over a table", "Use it elsewhere", "Delete",
]  # fmt: skip
OWN_FIRST = 9
"""Of a person's own flows this many are shown, the latest, until they ask for all."""


def page() -> None:
    """Draw the page."""
    if name := session.recall("go"):
        session.forget("go")
        st.switch_page(session.recall("page:editor"), query_params={"flow": name})
    if name := session.recall("go-table"):
        session.forget("go-table")
        st.switch_page(session.recall("page:tables"), query_params={"flow": name})
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("## Flows", anchors=False)
        st.space("stretch")
        search = st.container(width=260, key="search")
        st.button("Import", icon=":material/upload:", on_click=_ask, args=("import",))
        st.button("New flow", icon=":material/add:", type="primary", on_click=_new)
    drop = st.container(key="drop")
    _notice()
    wanted = str(session.recall(SEARCH) or "")
    library = services().library
    cards = services().cards
    own = [card for card in cards.of(library.own_files()) if card.matches(wanted)]
    folded = len(own) > OWN_FIRST and not wanted and not session.recall("all-own")
    _own(own[:OWN_FIRST] if folded else own)
    if folded:
        st.button(f"Show all {len(own)} flows", on_click=session.remember, args=("all-own", True))
    if not own:
        st.caption(
            "Nothing found." if wanted else
            "You have no flows yet. Begin with a template below, or with an empty flow."
        )  # fmt: skip
    _templates(cards.of(library.template_files()), wanted)
    _dialogs()
    # Last: the browser has the cards before it loads what it needs for these.
    search.text_input(
        "Search", key=SEARCH, type="search", live=True, placeholder="Search",
        label_visibility="collapsed",
    )  # fmt: skip
    _drop(drop)


def _templates(cards: Sequence[Card], wanted: str) -> None:
    """The templates, the small ones first, and what to choose among them by."""
    found = [card for card in cards if not card.error and card.matches(wanted)]
    if not found:
        return
    st.markdown("### Templates", anchors=False)
    found.sort(key=_by_size)
    gallery(
        found, "templates", {"Use template": _use, "Look": _look_at},
        topics=services().cards.topics(cards), dark=_dark(),
    )  # fmt: skip


def _by_size(card: Card) -> tuple[bool, int, str]:
    return (card.path.stem != FIRST, card.nodes, card.title)


# --- a person's own flows -----------------------------------------------------------------------


def _own(cards: Sequence[Card]) -> None:
    for first in range(0, len(cards), COLUMNS):
        row = cards[first : first + COLUMNS]
        for column, card in zip(st.columns(COLUMNS), row, strict=False):
            with column, st.container(border=True, height="stretch", gap="small"):
                try:
                    _card(card)
                except Exception as error:  # one odd flow must not hide the others
                    _log.exception("The card of %s cannot be drawn", card.path)
                    st.error(f"{plain(card.title)} cannot be shown here: {plain(str(error))}")


def _card(card: Card) -> None:
    key = session.path_key(card.path)
    if picture := card.dark if _dark() else card.light:
        with st.container(key=f"preview-{key}"):
            st.image(picture, width="stretch")
    elif not card.error:
        st.caption("This flow cannot be drawn small. Open it to see it.")
    st.markdown(f"**{plain(card.title)}**")
    if card.error:
        st.error(f"Cannot be opened. {plain(card.error)}")
    else:
        about = card.about.partition("\n")[0]
        shown = plain(about[:160] + ("…" if len(about) > 160 else "")) or "No description."
        st.caption(f"{shown}  \n{plural(card.nodes, 'node')} · {ago(card.modified)}")
    st.space("stretch")
    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Open", key=f"open:{key}", on_click=_open, args=(card.path.stem,),
            disabled=bool(card.error),
        )  # fmt: skip
        chosen = st.menu_button(
            "More", MENU, key=f"more:{key}",
            on_click=_more, args=(card.path, f"more:{key}"), type="tertiary",
        )  # fmt: skip
        del chosen  # the callback has acted on it


def _dark() -> bool:
    return getattr(st.context.theme, "type", None) == "dark"


# --- what the buttons do ------------------------------------------------------------------------


def _open(name: str) -> None:
    session.open_flow(name)
    session.remember("go", name)


def _new() -> None:
    from patchbay.flows.document.model import Flow

    _open(services().library.create(Flow(name="Untitled"), "untitled").stem)


def _use(template: Path) -> None:
    try:
        _open(services().library.use_template(template).stem)
    except FlowError as error:
        session.remember("refused", error.problems)


def _look_at(template: Path) -> None:
    _ask("look", template)


def _more(path: Path, key: str) -> None:
    what = st.session_state[key]
    library = services().library
    try:
        if what == "Duplicate":
            library.duplicate(path)
        elif what == "Delete":
            services().documents.close(path)
            services().served.forget(path)
            session.remember("deleted", (path.stem, library.delete(path)))
        elif what == "Run over a table":
            session.remember("go-table", path.stem)
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


def _drop(place: DeltaGenerator) -> None:
    """A place to drop a flow on: it opens at once. What cannot be read is refused by `_notice`."""
    key = "dropped"  # one for good: under a new key, a file dropped meanwhile would be lost

    def dropped() -> None:
        given = st.session_state.get(key)
        if given is None:
            return
        try:
            _take(given.getvalue(), given.name)
        except FlowError as error:
            session.remember("refused", error.problems)

    place.file_uploader(
        "Drop a flow here: ours, or one of Flowise, Langflow, CrewAI, Haystack, Dify or n8n",
        type=FILE_TYPES, key=key, on_change=dropped,
    )  # fmt: skip


def _take(data: bytes, file: str) -> None:
    """Open a flow of ours at once; show what became of another builder's.

    Raises:
        FlowError: the data holds no flow.
    """
    from patchbay.studio.documents.importing import taken_in

    rows = taken_in(services().library, data, file)
    if rows[0].report is None:
        _open(rows[0].stem)
        return
    session.remember("dialog", ("report", rows))


# --- dialogs ------------------------------------------------------------------------------------


def _dialogs() -> None:
    name, path = session.recall("dialog", ("", None))
    session.forget("dialog")
    if name == "import":
        _import()
    elif name == "report":
        from patchbay.studio.views.import_report import report_dialog

        report_dialog(path, _open)
    elif name == "look":
        _look(path)
    elif name == "rename":
        _rename(path)
    elif name == "download":
        _download(path)
    elif name == "versions":
        from patchbay.studio.panels.versions import versions_dialog

        versions_dialog(path)
    elif name == "use it elsewhere":
        from patchbay.studio.panels.elsewhere import elsewhere_dialog

        elsewhere_dialog(path)


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
            _take(data, given.name if given else "")
        except FlowError as error:
            _problems("This cannot be imported; nothing was changed.", error.problems)
            return
        st.rerun()


@st.dialog("Template", width="large")
def _look(path: Path) -> None:
    from patchbay.flows.document.reading import read_flow
    from patchbay.studio.views.preview import preview

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
    from patchbay.flows.runs.moving import move_place
    from patchbay.studio.documents.versions import Versions

    try:
        services().documents.close(path)
        target = services().library.rename(path, wanted)
        Versions(services().home, path).move(target)
        if target != path:
            services().served.forget(path)
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
        _problems(
            "The file holds no flow that can be opened. It has not been changed.", error.problems
        )
        return None
