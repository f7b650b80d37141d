"""A value of a port, shown as what it is. Values come in their stored form (see `nodes.values`)."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from nodes.values import TAG
from studio.words import plain, safe_markdown

LONG = 20_000
"""Characters of a text that are shown; the rest is counted."""


def show_value(value: Any, key: str, *, height: int | None = None) -> None:
    """Draw a value. `key` must be unique on the page."""
    shape = shape_of(value)
    if shape == "text":
        _show_text(value, key)
    elif shape == "documents":
        _show_documents(value)
    elif shape == "messages":
        for message in value:
            st.caption(plain(message.get("role", "")))
            st.markdown(safe_markdown(_cut(message.get("content", ""))))
    elif shape == "number":
        st.markdown(f"**{value:g}**" if isinstance(value, float) else f"**{value}**")
    elif shape == "nothing":
        st.caption("Nothing.")
    elif shape == "description":
        fields = {k: v for k, v in value.items() if k != TAG and v not in (None, "", [], {})}
        st.caption(plain(str(value[TAG])))
        st.json(fields, expanded=1)
    else:
        st.json(value, expanded=2)


def shape_of(value: Any) -> str:
    """What a stored value is: text, number, documents, messages, description, nothing, json."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number"
    if isinstance(value, dict) and TAG in value:
        return "documents-one" if value[TAG] == "document" else "description"
    if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
        tags = {v.get(TAG) for v in value}
        if tags == {"document"}:
            return "documents"
        if tags == {"message"}:
            return "messages"
    return "json"


def gist(value: Any, limit: int = 90) -> str:
    """A stored value in one line."""
    shape = shape_of(value)
    if shape == "text":
        line = " ".join(value.split())
        return line if len(line) <= limit else line[: limit - 1] + "…"
    if shape in ("documents", "messages"):
        return f"{len(value)} {shape[:-1] if len(value) == 1 else shape}"
    if shape == "description":
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
            st.markdown(safe_markdown(shown))
            return
    if looks_like_code(shown):
        st.code(shown, language=None, wrap_lines=True)
    else:
        with st.container(border=True):
            st.text(shown or " ")
    if len(text) > LONG:
        st.caption(f"The first {LONG:,} of {len(text):,} characters.")


def _show_documents(documents: list[dict[str, Any]]) -> None:
    scored = any(d.get("score") is not None for d in documents)
    rows = []
    for number, document in enumerate(documents, 1):
        metadata = document.get("metadata") or {}
        row: dict[str, Any] = {"#": number}
        if scored:
            row["score"] = document.get("score")
        row["text"] = _cut(document.get("text", ""), 2000)
        row["source"] = str(metadata.get("source", ""))
        others = {k: v for k, v in metadata.items() if k != "source"}
        row["metadata"] = str(others) if others else ""
        rows.append(row)
    columns: dict[str, Any] = {"text": st.column_config.TextColumn(width="large")}
    if scored:
        columns["score"] = st.column_config.NumberColumn(format="%.3f", width="small")
    st.dataframe(rows, hide_index=True, column_config=columns)


def _cut(text: str, limit: int = LONG) -> str:
    return text if len(text) <= limit else text[:limit] + "…"
