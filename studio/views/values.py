"""A value of a port, shown as what it is. Values come in their stored form (`nodes/values.py`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import streamlit as st

from patchbay.flows.wording import plural
from patchbay.nodes.values import TAG
from patchbay.nodes.written_files import files_in
from patchbay.studio.plain_text import plain
from patchbay.studio.views.chart import show_chart
from patchbay.studio.views.documents import MANY, say_cut, show_documents, show_texts
from patchbay.studio.views.figures import picture_words, show_picture, show_table
from patchbay.studio.views.files import show_files
from patchbay.studio.views.live import words

LONG = 20_000
"""Characters of a text that are shown; the rest is counted."""
WORDY = 40
"""Characters from which on a list of texts is shown as a table rather than as JSON."""
CITATION = {"number", "place", "quote"}
"""What `nodes/retrieval/citing.py` tells of a place that an answer cites."""
FIGURES = ("table", "chart", "picture")


def show_value(value: Any, key: str, *, height: int | None = None) -> None:
    """Draw a value. `key` must be unique on the page."""
    shape = shape_of(value)
    if shape == "text":
        _show_text(value, key)
    elif shape == "documents":
        show_documents(value, key)
    elif shape == "document":
        show_documents([value], key)
    elif shape == "citations":
        show_documents([cited(one) for one in value], key)
    elif shape == "messages":
        for number, message in enumerate(value[:MANY]):
            st.caption(plain(message.get("role", "")))
            words(_cut(message.get("content", "")), f"{key}:{number}")
            for picture in message.get("pictures") or ():
                show_picture(picture)
        say_cut(value, "message")
    elif shape == "table":
        show_table(value, key)
    elif shape == "chart":
        show_chart(value, key)
    elif shape == "picture":
        show_picture(value)
    elif shape == "files":
        show_files(value, key)
    elif shape == "texts":
        show_texts(value, key)
    elif shape == "number":
        st.markdown(f"**{value:g}**" if isinstance(value, float) else f"**{value}**")
    elif shape == "nothing":
        st.caption("Nothing.")
    elif shape == "description":
        fields = {k: v for k, v in value.items() if k != TAG and v not in (None, "", [], {})}
        st.caption(plain(str(value[TAG])))
        st.json(fields, expanded=1)
    elif isinstance(value, list):
        st.json(value[:MANY], expanded=2)
        say_cut(value, "item")
    else:
        st.json(value, expanded=2)


def shape_of(value: Any) -> str:
    """What a stored value is.

    One of text, number, document, documents, citations, messages, texts, table, chart, picture,
    files, description, nothing, json.
    """
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number"
    if isinstance(value, dict) and TAG in value:
        tag = str(value[TAG])
        return tag if tag in FIGURES else "document" if tag == "document" else "description"
    if files_in(value) is not None:
        return "files"
    if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
        tags = {v.get(TAG) for v in value}
        if tags == {"document"}:
            return "documents"
        if tags == {"message"}:
            return "messages"
        if all(one.keys() >= CITATION and isinstance(one["quote"], str) for one in value):
            return "citations"
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return "texts" if any(len(v) > WORDY for v in value) else "json"
    return "json"


def cited(citation: Mapping[str, Any]) -> dict[str, Any]:
    """A place that an answer cites as the document that it is in, with its number."""
    names = {"number": citation["number"], "text": citation["quote"]}
    return {**names, "score": citation.get("score"), "metadata": {"source": citation["place"]}}


def gist(value: Any, limit: int = 90) -> str:
    """A stored value in one line."""
    shape = shape_of(value)
    if shape == "text":
        line = " ".join(value.split())
        return line if len(line) <= limit else line[: limit - 1] + "…"
    if shape in ("documents", "messages", "citations"):
        return plural(len(value), shape[:-1])
    if shape == "table":
        return f"table, {plural(len(value.get('rows') or ()), 'row')}"
    if shape == "chart":
        return f"{value.get('kind', '')} chart, {plural(len(value.get('rows') or ()), 'point')}"
    if shape == "picture":
        return f"picture, {picture_words(value)}"
    if shape == "texts":
        return plural(len(value), "text")
    if shape == "files":
        return plural(len(value), "file")
    if shape in ("description", "document"):
        return str(value[TAG])
    text = str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def looks_like_markdown(text: str) -> bool:
    """Whether a text uses Markdown that would be lost if shown as it is."""
    marks = (r"^#{1,4} \S", r"^\s*[-*] \S", r"^\s*\d+\. \S", r"\*\*\S", r"```", r"^\|.+\|$")
    return any(re.search(mark, text, re.MULTILINE) for mark in marks)


def looks_like_code(text: str) -> bool:
    """Whether a text is better shown in letters of one width."""
    return bool(re.search(r"^\s{2,}\S|^[{[<]|\t", text, re.MULTILINE))


def _show_text(text: str, key: str) -> None:
    shown = _cut(text)
    if looks_like_markdown(shown):
        as_is = st.toggle("Show as it is", key=f"{key}:raw")
        if not as_is:
            words(shown, f"{key}:words")
            return
    if looks_like_code(shown):
        st.code(shown, language=None, wrap_lines=True)
    else:
        with st.container(border=True):
            st.text(shown or " ")
    if len(text) > LONG:
        st.caption(f"The first {LONG:,} of {len(text):,} characters.")


def _cut(text: str, limit: int = LONG) -> str:
    return text if len(text) <= limit else text[:limit] + "…"
