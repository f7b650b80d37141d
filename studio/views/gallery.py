"""Flows as cards with buttons: one element, however many there are.

Built of Streamlit's own elements, thirty cards are three hundred of them, and the page that people
wait for first takes twice as long to show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from patchbay.flows.wording import plural
from patchbay.studio.documents.cards import Card
from patchbay.studio.server.frontend import addresses, live_component

ABOUT = 160
"""Characters of a description that are shown."""


def gallery(
    cards: Sequence[Card],
    key: str,
    buttons: Mapping[str, Callable[[Path], None]],
    *,
    topics: Sequence[str] = (),
    dark: bool,
) -> None:
    """Draw cards.

    Args:
        cards: what to show; texts are shown as they are.
        key: names the element.
        buttons: what a button of a card is called, and the callback that gets the card's file.
        topics: what to choose among the cards by; done in the browser.
        dark: which picture to show.
    """
    files = {str(number): card.path for number, card in enumerate(cards)}

    def pressed() -> None:
        given = (st.session_state.get(key) or {}).get("pressed") or {}
        chosen, path = buttons.get(str(given.get("button"))), files.get(str(given.get("card")))
        if chosen and path:
            chosen(path)

    shown = [_told(name, card, dark) for name, card in zip(files, cards, strict=True)]
    live_component()(
        key=key,
        data={
            **addresses("live"),
            "mode": "cards",
            "cards": shown,
            "buttons": list(buttons),
            "topics": list(topics),
        },
        on_pressed_change=pressed,
        height="content",
    )


def _told(name: str, card: Card, dark: bool) -> dict[str, Any]:
    about = card.about.partition("\n")[0]
    return {
        "name": name,
        "title": card.title,
        "about": (about[:ABOUT] + ("…" if len(about) > ABOUT else "")) or "No description.",
        "facts": plural(card.nodes, "node"),
        "topics": list(card.topics),
        "picture": card.dark if dark else card.light,
    }
