"""Search among flows: words of title, description and file, and what their nodes are called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patchbay.flows.document.model import Flow
    from patchbay.nodes.catalog import Catalog
    from patchbay.studio.documents.cards import Card

INSIDE = 4
"""A word of so many letters is also found in the middle of another: `token` in `retokenize`."""


def words_of(flow: Flow, catalog: Catalog) -> str:
    """What a flow is found by besides its own words: titles and synonyms of its nodes."""
    found: dict[str, None] = {}
    for node in flow.nodes:
        cls = catalog.get(node.kind)
        told = [node.title, node.kind] + ([cls.title, cls.family, *cls.synonyms] if cls else [])
        found.update(dict.fromkeys(words.casefold() for words in told if words))
    return " ".join(found)


def rank(card: Card, wanted: str, more: Iterable[str] = ()) -> int | None:
    """How well a card fits a search, 0 best; None where one of its words is nowhere.

    Args:
        card: the card.
        wanted: the search; every word of it must begin a word of the card, or stand inside one.
        more: further words of the card, such as its folder and tags.
    """
    named = f"{card.title} {card.path.stem}"
    places = [named, " ".join(more), f"{card.about} {card.purpose}", card.words, card.error]
    texts = [_Text(place) for place in places]
    worst = 0
    for word in wanted.casefold().split():
        found = next((n for n, text in enumerate(texts) if text.has(word)), None)
        if found is None:
            return None
        worst = max(worst, found)
    return worst


class _Text:
    def __init__(self, text: str) -> None:
        self._whole = text.casefold()
        self._words = {*self._whole.split(), *re.split(r"[\W_]+", self._whole)}

    def has(self, word: str) -> bool:
        if len(word) >= INSIDE and word in self._whole:
            return True
        return any(known.startswith(word) for known in self._words)
