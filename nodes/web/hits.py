"""What a search of the web finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True)
class WebHit:
    """One hit: a title, where it is, what it says there, and when, where that is known."""

    title: str
    url: str
    text: str
    date: str = ""


def without_tags(value: Any) -> str:
    """A text without line breaks and without the tags that some services mark words with."""
    from patchbay.nodes.text.html import read_page

    text = str(value or "")
    if ("<" in text and ">" in text) or "&" in text:
        text = read_page(text).text
    return " ".join(text.split())


def page_title(title: str) -> str:
    """A title as it stands in the address of a wiki page."""
    return quote(title.replace(" ", "_"), safe="/:(),!'*~@;")
