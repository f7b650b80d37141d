"""Documents and lists of texts: each with how well it matched, where it came from, and its text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from patchbay.flows.wording import plural
from patchbay.studio.views.live import found

FEW = 30
"""Texts up to which they are written out; more make a table."""
MANY = 500
"""Documents, messages or items of a list that are shown."""
TEXT = 4000
"""Characters of one text that a page gets."""

FoundRow = dict[str, Any]


def show_documents(documents: Sequence[Mapping[str, Any]], key: str) -> None:
    """Draw documents, given in their stored form."""
    rows = found_of(documents[:MANY])
    if len(documents) <= FEW:
        found(rows, f"{key}:found")
        return
    columns: dict[str, Any] = {"text": st.column_config.TextColumn(width=220)}
    scores = [row["score"] for row in rows if "score" in row]
    if scores:
        columns["score"] = st.column_config.ProgressColumn(
            format="%.3f", width=96, min_value=min(0.0, *scores), max_value=max(1.0, *scores)
        )
    _table(rows, ("n", "score", "text", "source", "more"), columns, f"{key}:table")
    say_cut(documents, "document")


def show_texts(texts: Sequence[str], key: str) -> None:
    """Draw a list of texts, numbered."""
    rows = [{"n": n, "text": _cut(text)} for n, text in enumerate(texts[:MANY], 1)]
    if len(texts) <= FEW:
        found(rows, f"{key}:found")
        return
    _table(
        rows, ("n", "text"), {"text": st.column_config.TextColumn(width="large")}, f"{key}:table"
    )
    say_cut(texts, "text")


def found_of(documents: Sequence[Mapping[str, Any]]) -> list[FoundRow]:
    """Documents as `live.found` takes them; a full bar is the best score, or 1."""
    scores = [d["score"] for d in documents if d.get("score") is not None]
    full = max([1.0, *scores])
    rows = []
    for number, document in enumerate(documents, 1):
        row: FoundRow = {
            "n": document.get("number", number),
            "text": _cut(str(document.get("text", ""))),
        }
        if (score := document.get("score")) is not None:
            row |= {"score": score, "share": min(1.0, max(0.0, score / full))}
        metadata = document.get("metadata") or {}
        others = {k: v for k, v in metadata.items() if k not in ("source", "page")}
        row |= {"source": source} if (source := source_of(metadata)) else {}
        row |= {"more": ", ".join(f"{k}: {v}" for k, v in others.items())} if others else {}
        rows.append(row)
    return rows


def source_of(metadata: Mapping[str, Any]) -> str:
    """Where a document came from: its file without the folders, and the page where it has some."""
    source = str(metadata.get("source", ""))
    name = re.split(r"[/\\]", source)[-1] or source
    page = metadata.get("page")
    return f"{name}, page {page}" if page is not None and name else name


def say_cut(items: Sequence[Any], word: str) -> None:
    """Say that not all items are shown, where that is so."""
    if len(items) > MANY:
        st.caption(f"The first {MANY:,} of {plural(len(items), word)}.")


def _table(
    rows: Sequence[FoundRow], names: Sequence[str], columns: dict[str, Any], key: str
) -> None:
    there = [name for name in names if any(name in row for row in rows)]
    columns = {**columns, "n": st.column_config.NumberColumn("#", width=42)}
    data = [{name: row.get(name) for name in there} for row in rows]
    st.dataframe(data, hide_index=True, column_config=columns, key=key)


def _cut(text: str) -> str:
    return text if len(text) <= TEXT else text[:TEXT] + "…"
