"""Text that people or models wrote, made safe to show where Streamlit reads Markdown."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:&^=])")


def plain(text: str) -> str:
    """The text as Markdown that shows exactly it: for labels, captions and messages."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def entities(text: str) -> str:
    """The text as HTML entities: shows exactly it in Markdown and in HTML alike."""
    return "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in text)
