"""The flows page: a person's own flows and the templates; new, import, dropped files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from patchbay.flows.problems import FlowError
from patchbay.studio.documents.cards import Card
from patchbay.studio.documents.purposes import ORDER
from patchbay.studio.panels.first_steps import LEFT, first_steps
from patchbay.studio.plain_text import plain
from patchbay.studio.screens.own_flows import ask_for, own_flows, undelete
from patchbay.studio.server import session
from patchbay.studio.server.last_runs import last_runs
from patchbay.studio.server.services import services
from patchbay.studio.server.wished_page import is_wished, open_in_editor
from patchbay.studio.views.gallery import OnPage, gallery

# What only a button needs is imported when it is pressed: this is the page that people wait for.

FIRST = "ask"
"""The template to begin with."""
SEARCH = "flows-search"
"""The key of the search field."""
USE, LOOK = "Use template", "Look"


def page() -> None:
    """Draw the page."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("## Flows", anchors=False)
        st.space("stretch")
        search = st.container(width=260, key="search")
        st.button("Import", icon=":material/upload:", on_click=ask_for, args=("import",))
        st.button("New flow", icon=":material/add:", type="primary", on_click=_new)
    _notice()
    wanted = str(session.recall(SEARCH) or "")
    if not wanted:
        _first_steps()
    own_flows(wanted, drop=_dropped, dark=_dark())
    _templates(services().cards.of(services().library.template_files()), wanted)
    _dialogs()
    # Last: the browser has the cards before it loads what it needs for this.
    search.text_input(
        "Search", key=SEARCH, type="search", live=True, placeholder="Search flows and templates",
        label_visibility="collapsed",
    )  # fmt: skip


def _templates(cards: Sequence[Card], wanted: str) -> None:
    """The templates by what they are for, the small ones first."""
    ranks = {card.path: card.rank(wanted) for card in cards if not card.error}
    found = [card for card in cards if ranks.get(card.path) is not None]
    st.markdown("### Templates", anchors=False)
    found.sort(key=lambda card: (_place(card), ranks[card.path], _by_size(card)))
    shown = [OnPage(card, (USE, LOOK), group=card.purpose) for card in found]
    gallery(
        shown, "templates", _pressed, label="Templates", choose=True, dark=_dark(),
        nothing="No template matches the search.",
    )  # fmt: skip


def _place(card: Card) -> int:
    return ORDER.index(card.purpose) if card.purpose in ORDER else len(ORDER)


def _by_size(card: Card) -> tuple[bool, int, str]:
    return (card.path.stem != FIRST, card.nodes, card.title)


def _dark() -> bool:
    return getattr(st.context.theme, "type", None) == "dark"


# --- what the buttons do ------------------------------------------------------------------------


def _pressed(what: str, template: Path) -> None:
    if what == USE:
        _use(template)
    else:
        ask_for("look", template)


def _new() -> None:
    from patchbay.flows.document.model import Flow

    library = services().library
    _opened(lambda: library.create(Flow(name="Untitled"), "untitled"), "A new flow cannot be made.")


def _first_steps() -> None:
    if services().choices.get(LEFT) == "left":
        return
    library = services().library
    own = library.own_files()
    ran = bool(own) and bool(last_runs(services().home, library.folder))
    template = library.templates_folder / f"{FIRST}.json"

    def run() -> None:
        session.show_panel("Run")
        open_in_editor(own[0].stem)

    first_steps(len(own), ran, take=lambda: _use(template), run=run, draw=_new)


def _use(template: Path) -> None:
    library = services().library
    _opened(lambda: library.use_template(template), "The template cannot be used.")


def _opened(make: Callable[[], Path], refused: str) -> None:
    """Open the flow that is made; or say why it cannot be.

    Whoever presses again while the editor is on its way means the same flow.
    """
    if is_wished():
        return
    try:
        open_in_editor(make().stem)
    except FlowError as error:
        session.remember("refused", (refused, error.problems))


def _dropped(sent: str) -> None:
    """Open the flow in a file that was dropped on the page. What holds none is told."""
    from patchbay.studio.documents.importing import dropped
    from patchbay.studio.screens.flow_dialogs import take

    try:
        name, data = dropped(sent)
        take(data, name)
    except FlowError as error:
        words = "The file holds no flow that can be opened. Nothing was changed."
        session.remember("refused", (words, error.problems))


def _notice() -> None:
    if notice := session.recall("notice"):
        session.forget("notice")
        st.info(plain(notice))
    if refused := session.recall("refused"):
        from patchbay.studio.screens.flow_dialogs import tell_problems

        session.forget("refused")
        tell_problems(*refused)
    if deleted := session.recall("deleted"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{plain(deleted[0])} was deleted.")
            st.button("Undo", on_click=undelete, key="undelete")


def _dialogs() -> None:
    if session.recall("dialog"):
        from patchbay.studio.screens.flow_dialogs import dialogs

        dialogs(_use)
