"""Flows as cards with buttons: one element, however many there are.

Built of Streamlit's own elements, thirty cards are three hundred of them, and the page that people
wait for first takes twice as long to show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from patchbay.flows.wording import plural
from patchbay.studio.documents.cards import Card, picture_name
from patchbay.studio.plain_text import first_sentence
from patchbay.studio.server.frontend import live_component


@dataclass(frozen=True, slots=True)
class OnPage:
    """A card on the page, and what may be done with it. Times are Unix time in seconds."""

    card: Card
    buttons: tuple[str, ...]
    menu: tuple[str, ...] = ()
    group: str = ""
    """The heading that it stands under."""
    marks: tuple[str, ...] = ()
    """Its folder and tags."""
    note: str = ""
    """Something to know of it, such as that another flow does the same."""
    ran: float = 0.0
    """When it ran last; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What stands above the cards: how to sort them, what to choose among them by, the latest."""

    sorts: tuple[str, ...] = ()
    sort: str = ""
    choices: tuple[str, ...] = ()
    chosen: str = ""
    recent: tuple[tuple[str, str], ...] = ()
    """File names and titles of flows that were opened last."""
    more: str = ""
    """The words of a button that shows the rest; "" for none."""


Press = Callable[[str, Path], None]
"""Gets what a button or line of a menu says, and the file of its card."""


def gallery(
    shown: Sequence[OnPage],
    key: str,
    press: Press,
    *,
    label: str,
    choose: bool = False,
    bar: Bar | None = None,
    ask: Callable[[str, str], None] | None = None,
    drop: Callable[[str], None] | None = None,
    nothing: str = "",
    dark: bool,
) -> None:
    """Draw cards.

    Args:
        shown: the cards; texts are shown as they are.
        key: names the element.
        press: called with what was pressed.
        label: what the cards are, for people who do not see them.
        choose: whether the headings can be chosen among; done in the browser.
        bar: what stands above them.
        ask: called with what of the bar was used (`sort`, `choose`, `open`, `more`) and its value.
        drop: called with a file that was dropped on the page, as `importing.dropped` reads it.
        nothing: said where there are no cards.
        dark: which picture to show.
    """
    # By their names, not by their places: a press may come when the page has just been narrowed.
    files = {one.card.path.name: one.card.path for one in shown}

    def given(name: str) -> Mapping[str, Any]:
        found = (st.session_state.get(key) or {}).get(name)
        return found if isinstance(found, Mapping) else {}

    def pressed() -> None:
        if path := files.get(str(given("pressed").get("card"))):
            press(str(given("pressed").get("button")), path)

    def asked() -> None:
        if ask and (what := given("asked")):
            ask(str(what.get("what")), str(what.get("value")))

    def dropped() -> None:
        sent = (st.session_state.get(key) or {}).get("dropped")
        if drop and isinstance(sent, str):
            drop(sent)

    live_component()(
        key=key,
        data={
            "mode": "cards",
            "label": label,
            "cards": [_told(name, one, dark) for name, one in zip(files, shown, strict=True)],
            "choose": choose,
            "bar": _bar(bar) if bar else None,
            "drop": drop is not None,
            "nothing": nothing,
        },
        on_pressed_change=pressed,
        on_asked_change=asked,
        on_dropped_change=dropped,
        height="content",
    )


def _told(name: str, one: OnPage, dark: bool) -> dict[str, Any]:
    card = one.card
    picture = card.dark if dark else card.light
    return {
        "name": name,
        "title": card.title,
        "about": "" if card.error else first_sentence(card.about) or "No description.",
        "error": card.error and f"Cannot be opened. {card.error}",
        "facts": "" if card.error else plural(card.nodes, "node"),
        "changed": card.modified if one.menu else 0,
        "ran": one.ran,
        "group": one.group,
        "marks": list(one.marks),
        "note": one.note,
        "buttons": list(one.buttons),
        "menu": list(one.menu),
        # By address: all of them are half a megabyte, and a rerun sends what it says again.
        "picture": picture and f"patchbay/pictures/{picture_name(picture)}",
    }


def _bar(bar: Bar) -> dict[str, Any]:
    return {
        "sorts": list(bar.sorts),
        "sort": bar.sort,
        "choices": list(bar.choices),
        "chosen": bar.chosen,
        "recent": [list(one) for one in bar.recent],
        "more": bar.more,
    }
