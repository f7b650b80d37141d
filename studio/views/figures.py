"""Tables, charts and pictures on a page. They come in their stored form (`nodes/figures.py`).

Nothing in them can ask a server for anything: a chart holds its points and names no address, and
a picture is one of four raster formats whose first bytes say so.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
from collections.abc import Sequence
from typing import Any

import streamlit as st

from patchbay.flows.wording import plural
from patchbay.nodes.data import is_number
from patchbay.nodes.figures import cell_text
from patchbay.nodes.units import size_in_words
from patchbay.studio.plain_text import plain

SHOWN_ROWS = 2000
"""Rows of a table that are shown; a download holds all of them."""
PICTURE_LIMIT = 8_000_000
"""Bytes of a picture that is still shown."""

MAGIC = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}

LEARNED = "learned"
"""The column of a table that says which pieces of a text a model learns."""
MASK = {"learned": "rgba(39, 163, 125, 0.28)", "cut off": "rgba(220, 70, 70, 0.25)"}
"""Its words and their colours, to be told apart on white and on black."""

Cells = Sequence[Any]


def show_table(value: dict[str, Any], key: str) -> None:
    """Draw a table; columns of numbers sort as numbers."""
    import pandas as pd

    rows: list[Cells] = value.get("rows") or []
    columns = distinct(value.get("columns") or [])
    if title := value.get("title"):
        st.markdown(f"**{plain(title)}**")
    if not rows:
        st.caption("A table without rows: " + plain(", ".join(columns)))
        return
    data = {
        name: uniform([row[place] for row in rows[:SHOWN_ROWS]])
        for place, name in enumerate(columns)
    }
    frame: Any = pd.DataFrame(data)
    if LEARNED in data:
        frame = frame.style.apply(_mask, axis=1)
    st.dataframe(frame, hide_index=True, key=f"{key}:table")
    if len(rows) > SHOWN_ROWS:
        st.caption(f"The first {SHOWN_ROWS:,} of {plural(len(rows), 'row')}.")
        st.download_button(
            "All rows (CSV)", lambda: as_csv(columns, rows), "table.csv", "text/csv",
            key=f"{key}:csv", on_click="ignore",
        )  # fmt: skip


def _mask(row: Any) -> list[str]:
    """The loss mask in colour: what of a row is learned, and what is cut off."""
    tint = MASK.get(str(row[LEARNED]), "")
    return [f"background-color: {tint}" if tint else ""] * len(row)


def distinct(names: Sequence[str]) -> list[str]:
    """Column names, each different from the others: `error`, `error (2)`."""
    found: list[str] = []
    for name in names:
        number, fresh = 1, name
        while fresh in found:
            number += 1
            fresh = f"{name} ({number})"
        found.append(fresh)
    return found


def uniform(cells: Sequence[Any]) -> list[Any]:
    """The cells of a column, as text unless all are numbers or all are switches."""
    given = [cell for cell in cells if cell is not None]
    if given and (all(isinstance(c, bool) for c in given) or all(is_number(c) for c in given)):
        return list(cells)
    return [None if cell is None else cell_text(cell) for cell in cells]


def as_csv(columns: Sequence[str], rows: Sequence[Cells]) -> bytes:
    """The whole table as CSV in UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(
        ["" if cell is None else cell if is_number(cell) else cell_text(cell) for cell in row]
        for row in rows
    )
    return text.getvalue().encode()


# --- pictures -----------------------------------------------------------------------------------


def show_picture(value: dict[str, Any]) -> None:
    """Draw a picture, or say why not."""
    why = unfit(value)
    if why:
        st.caption(f"A picture that is not shown: {plain(why)}.")
        return
    alt = str(value.get("alt") or "")
    st.image(f"data:{value['media']};base64,{value['data']}", caption=plain(alt) or None)
    st.caption(plain(picture_words(value)))


def picture_words(value: dict[str, Any]) -> str:
    """`PNG, 12 kB`."""
    kind = str(value.get("media", "")).partition("/")[2].upper()
    return f"{kind}, {size_in_words(len(str(value.get('data', ''))) * 3 // 4)}"


def unfit(value: dict[str, Any]) -> str:
    """Why a picture cannot be shown; "" where it can."""
    media, data = value.get("media"), str(value.get("data", ""))
    if media not in MAGIC:
        return f"{media} is none of {', '.join(MAGIC)}"
    if len(data) * 3 // 4 > PICTURE_LIMIT:
        return (
            f"it has {size_in_words(len(data) * 3 // 4)}, more than {size_in_words(PICTURE_LIMIT)}"
        )
    try:
        head = base64.b64decode(data, validate=True)[:16]
    except (binascii.Error, ValueError):
        return "its data is not base64"
    if not head.startswith(MAGIC[media]) or (media == "image/webp" and head[8:12] != b"WEBP"):
        return f"its data is not {media}"
    return ""
