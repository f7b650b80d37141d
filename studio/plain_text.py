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


_END = re.compile(r"(?<=[.!?…])[\"')\]]?\s+(?=[\"'(\[]?[A-ZÀ-Þ0-9])")
_SHORT = re.compile(r"(?:\b(?:e\.g|i\.e|et al|cf|vs|etc|Fig|No|Dr|Mr|Ms)\.|\b[A-Z]\.)$")
_SOURCE = re.compile(r"\s*\([^()]*\b(?:19|20)\d\d\b[^()]*\)")
"""The source of a technique, in brackets: authors and a year."""
LONGEST = 220
"""Characters of a first sentence that are shown; longer ones end in a dot dot dot."""


def first_sentence(text: str) -> str:
    """The first sentence of a text, without line breaks, backticks and sources in brackets."""
    words = " ".join(text.partition("\n\n")[0].replace("`", "").split())
    words = _SOURCE.sub("", words)
    for end in _END.finditer(words):
        if not _SHORT.search(words[: end.start()]):
            words = words[: end.start()]
            break
    return words if len(words) <= LONGEST else words[:LONGEST].rsplit(" ", 1)[0] + " …"


def listed_names(names: list[str]) -> str:
    """`A`, `A and B`, `A, B and C`, `A, B and 3 more`."""
    if len(names) > 3:
        names = [*names[:2], f"{len(names) - 2} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def builder_name(builder: str) -> str:
    """What a builder calls itself, by the short word of an import's report."""
    return {"crewai": "CrewAI", "n8n": "n8n"}.get(builder, builder.title())
