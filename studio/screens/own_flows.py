"""A person's own flows on the Flows page: filed, sorted, searched, and what can be done."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from patchbay.flows.problems import FlowError
from patchbay.studio.documents.filing import Filed
from patchbay.studio.plain_text import builder_name, listed_names
from patchbay.studio.server import session
from patchbay.studio.server.last_runs import last_runs
from patchbay.studio.server.services import services
from patchbay.studio.server.wished_page import open_in_editor, wish
from patchbay.studio.views.gallery import Bar, OnPage, gallery

if TYPE_CHECKING:
    from collections.abc import Callable

    from patchbay.studio.documents.cards import Card

OPEN, TEXT, IMPORT, BACK, FILE = (
    "Open", "Open as text", "Import", "Earlier versions", "Folder and tags",
)  # fmt: skip
MENU = (
    "Rename", "Duplicate", FILE, "Versions", "Download", "Run over a table", "Use it elsewhere",
    "Delete",
)  # fmt: skip
SORTS = ("Changed", "Name", "Last run")
FIRST = 10
"""Of a person's own flows this many are shown until they ask for all."""
RECENT, MANY = 5, 4
"""So many flows that were opened last stand above the others, where there are more than `MANY`."""
CHOSEN, ALL = "own-chosen", "all-own"


def own_flows(wanted: str, *, drop: Callable[[str], None], dark: bool) -> None:
    """Draw them.

    Args:
        wanted: what is searched.
        drop: takes a file that was dropped on the page.
        dark: which pictures to show.
    """
    cards = services().cards.of(services().library.own_files())
    filing = services().filing
    stems = [card.path.stem for card in cards]
    choices = [*filing.folders(stems), *(f"#{tag}" for tag in filing.tags(stems))]
    chosen = str(session.recall(CHOSEN) or "")
    chosen = chosen if chosen in choices else ""
    sort = services().choices.get("sort flows", SORTS[0])
    ran = _last_runs(cards)
    found = [card for card in _sorted(cards, wanted, sort, ran) if _is_in(card, chosen)]
    folded = len(found) > FIRST and not wanted and not chosen and not session.recall(ALL)
    notes = _notes(cards)
    # With folders, what lies in none comes first; the order within them is the one of the page.
    shown = [_shown(card, notes, ran) for card in (found[:FIRST] if folded else found)]
    shown.sort(key=lambda one: one.group.casefold())
    titles = {card.path.stem: card.title for card in cards}
    recent = filing.latest(stems, RECENT) if len(cards) > MANY and not wanted else []
    gallery(
        shown, "own", _pressed, label="Your flows", ask=_asked, drop=drop, dark=dark,
        bar=Bar(
            SORTS if len(cards) > 1 else (), sort, tuple(choices), chosen,
            tuple((stem, titles[stem]) for stem in recent),
            f"Show all {len(found)} flows" if folded else "",
        ),
        nothing="None of your flows matches the search." if wanted and cards else
        "" if cards else "You have no flows yet. Begin with a template below, with an empty flow, "
        "or drop a file anywhere on this page.",
    )  # fmt: skip


def _last_runs(cards: Sequence[Card]) -> Mapping[Path, float]:
    found = last_runs(services().home, services().library.folder)
    return found.of({card.path: card.title for card in cards})


def _sorted(cards: Sequence[Card], wanted: str, sort: str, ran: Mapping[Path, float]) -> list[Card]:
    if sort == "Name":
        cards = sorted(cards, key=lambda card: (card.title.casefold(), card.path.stem))
    elif sort == "Last run":
        cards = sorted(cards, key=lambda card: -ran.get(card.path, 0.0))
    ranks = {card.path: card.rank(wanted, _marks(card)) for card in cards}
    fits = [(rank, card) for card in cards if (rank := ranks[card.path]) is not None]
    return [card for _, card in sorted(fits, key=lambda pair: pair[0])]


def _filed(card: Card) -> Filed:
    return services().filing.of(card.path.stem)


def _marks(card: Card) -> tuple[str, ...]:
    filed = _filed(card)
    return ((filed.folder,) if filed.folder else ()) + tuple(f"#{tag}" for tag in filed.tags)


def _is_in(card: Card, chosen: str) -> bool:
    return not chosen or chosen in _marks(card)


def _shown(card: Card, notes: Mapping[Path, str], ran: Mapping[Path, float]) -> OnPage:
    filed = _filed(card)
    if card.error:
        buttons = (IMPORT, TEXT) if card.builder else (TEXT,)
        note = f"It looks like a flow of {builder_name(card.builder)}." if card.builder else ""
        return OnPage(card, buttons, (BACK, "Delete"), filed.folder, note=note)
    tags = tuple(f"#{tag}" for tag in filed.tags)
    return OnPage(
        card, (OPEN,), MENU, filed.folder, tags, notes.get(card.path, ""), ran.get(card.path, 0.0)
    )


def _notes(cards: Sequence[Card]) -> Mapping[Path, str]:
    """What tells flows apart that look alike: those that do the same, and those of one name."""
    same: dict[str, list[Card]] = defaultdict(list)
    alike: dict[str, list[Card]] = defaultdict(list)
    for card in cards:
        if card.digest:
            same[card.digest].append(card)
        if not card.error:
            alike[card.title.casefold()].append(card)
    notes: dict[Path, str] = {}
    for group in alike.values():
        for card in group if len(group) > 1 else ():
            notes[card.path] = f"In the file {card.path.name}."
    for group in same.values():
        for card in group if len(group) > 1 else ():
            others = [
                other.title if other.title != card.title else other.path.name
                for other in group
                if other is not card
            ]
            notes[card.path] = " ".join(
                [notes.get(card.path, ""), f"Does the same as {listed_names(others)}."]
            ).strip()
    return notes


# --- what the buttons do ------------------------------------------------------------------------


def ask_for(dialog: str, path: Path | None = None) -> None:
    """Have a dialog shown, once the page is drawn again."""
    session.remember("dialog", (dialog, path))


def _pressed(what: str, path: Path) -> None:
    try:
        if what == OPEN:
            open_in_editor(path.stem)
        elif what == "Duplicate":
            _duplicate(path)
        elif what == "Delete":
            delete_flow(path)
        elif what == IMPORT:
            _import(path)
        elif what == "Run over a table":
            wish("tables", flow=path.stem)
        elif what in {*MENU, TEXT, BACK}:
            ask_for(what.lower(), path)
    except (FlowError, OSError) as error:
        session.remember("notice", str(error))


def delete_flow(path: Path) -> None:
    """Move a flow to the trash, and its pinned values with it. `undelete` brings them back.

    Raises:
        OSError: the disk refuses.
    """
    from patchbay.studio.documents.pins import Pins

    home, filing = services().home, services().filing
    services().documents.close(path)
    services().served.forget(path)
    resting = services().library.delete(path)
    # First of all: whatever of the rest the disk refuses, the flow can be brought back.
    session.remember("deleted", (path.stem, resting, filing.of(path.stem)))
    Pins(home, path).move(home, resting)  # the next flow of this name has none of them
    filing.forget(path.stem)


def _duplicate(path: Path) -> None:
    copy = services().library.duplicate(path)
    filed = services().filing.of(path.stem)
    if filed.folder or filed.tags:
        services().filing.put(copy.stem, filed.folder, filed.tags)


def _import(path: Path) -> None:
    """Import another builder's flow that lies here; the file itself stays as it is."""
    from patchbay.studio.documents.importing import taken_in

    session.remember(
        "dialog", ("report", taken_in(services().library, path.read_bytes(), path.name))
    )


def undelete() -> None:
    """Bring the flow back that was deleted last."""
    from patchbay.studio.documents.pins import Pins

    deleted = session.recall("deleted")
    session.forget("deleted")
    if deleted is None:
        return  # pressed twice
    stem, resting, filed = deleted
    home = services().home
    try:
        path = services().library.restore(resting)
        Pins(home, resting).move(home, path)
        if path.stem == stem and (filed.folder or filed.tags):
            services().filing.put(stem, filed.folder, filed.tags)
    except OSError as error:
        words = error.strerror or str(error)
        session.remember("notice", f"{stem} could not be brought back as it was: {words}.")


def _asked(what: str, value: str) -> None:
    if what == "sort" and value in SORTS:
        services().choices.put("sort flows", value)
    elif what == "choose":
        session.remember(CHOSEN, value)
    elif what == "more":
        session.remember(ALL, True)
    elif what == "open" and services().library.path(value) is not None:
        open_in_editor(value)


def note_opened(name: str) -> None:
    """Note that a flow is open now, for the list of the latest."""
    if session.recall("noted-open") == name:
        return
    session.remember("noted-open", name)
    try:
        services().filing.opened(name, time.time())
    except OSError:
        return  # the list of the latest is no reason not to open a flow
