"""The page that a press leads to: wished for, then reached before anything else is drawn.

What a browser sends before it hears of the new page still names the old one. Streamlit (1.67) ends
what it draws of the new page for it, and draws the old one again, by which time whoever asked for
the switch has done so. So a wish is kept until its page has been drawn: the old page, drawn once
more, leads on once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

import streamlit as st

from patchbay.studio.server import session

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

PageName = Literal[
    "flows", "editor", "runs", "tables", "experiments", "inbox", "models", "settings"
]
WISH, DRAWN = "wished-page", "drawn-page"
MOST = 5
"""So often one page leads to another for one wish: an address that is never met leads nowhere."""


@dataclass(slots=True)
class WishedPage:
    """A page with its address, the page that it was wished for on, and how often that led on."""

    page: PageName
    where: Mapping[str, str]
    on: PageName
    tries: int = 0

    def is_met(self, shown: PageName) -> bool:
        """Whether it is the page that is to be drawn."""
        return shown == self.page and st.query_params.to_dict() == self.where


def wish(page: PageName, **where: str) -> None:
    """Go to a page with this address, once all of the page is drawn again.

    A part of a page that is drawn by itself does not see it: a callback there uses `go`.
    """
    session.remember(WISH, WishedPage(page, where, session.recall(DRAWN, page)))


def go(page: PageName, **where: str) -> NoReturn:
    """Go to a page with this address at once. For callbacks, of parts of a page too."""
    wish(page, **where)
    st.rerun()


def open_in_editor(name: str) -> None:
    """Wish for the editor with a flow, by the name of its file."""
    session.open_flow(name)
    wish("editor", flow=name)


def is_wished() -> bool:
    """Whether a page is wished for, or has not been drawn whole yet."""
    return session.recall(WISH) is not None


def draw(pages: Mapping[PageName, Page], chosen: Page) -> None:
    """Draw the page that was chosen, or go on to the one that is wished for.

    Args:
        pages: all of them.
        chosen: the one that the browser asks for.
    """
    shown = next(name for name, page in pages.items() if page is chosen)
    held: WishedPage | None = session.recall(WISH)
    leads_on = held is not None and shown == held.on and not held.is_met(shown)
    try:
        if held is not None and leads_on and held.tries < MOST:
            held.tries += 1
            st.switch_page(pages[held.page], query_params=held.where)
        session.remember(DRAWN, shown)
        chosen.run()
    except Exception:
        _forget(held)
        raise
    _forget(held)  # not where Streamlit ended it for another rerun, which is no `Exception`


def _forget(held: WishedPage | None) -> None:
    """Unless the page, while it was drawn, has made another wish."""
    if session.recall(WISH) is held:
        session.forget(WISH)
