"""Files that an agent wrote, shown as files: each with its size, to be opened large and saved."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Mapping

import streamlit as st

from patchbay.flows.wording import plural
from patchbay.nodes.errors import NodeError
from patchbay.nodes.units import size_in_words
from patchbay.nodes.written_files import place_in
from patchbay.studio.plain_text import plain
from patchbay.studio.server import session
from patchbay.studio.views.live import words

MANY = 200
"""Files that are listed; all of them are in the download."""
LONG = 200_000
"""Characters of a file that are shown when it is opened."""


def show_files(files: Mapping[str, str], key: str) -> None:
    """Draw files, given as texts by their paths."""
    with st.container(border=True, gap=None, key=f"files:{key}"):
        for number, (path, text) in enumerate(list(files.items())[:MANY]):
            _row(path, text, f"{key}:{number}")
        if len(files) > MANY:
            st.caption(f"The first {MANY} of {plural(len(files), 'file')}.")
        if len(files) > 1:
            st.download_button(
                "All files (zip)", lambda: zipped(files), "files.zip", "application/zip",
                key=f"{key}:zip", on_click="ignore", icon=":material/folder_zip:", type="tertiary",
            )  # fmt: skip


def _row(path: str, text: str, key: str) -> None:
    size = size_in_words(len(text.encode()))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{plain(path)} :gray[{size}]", width="stretch")
        if st.button(
            "", key=f"{key}:open", icon=":material/open_in_full:", type="tertiary",
            help=plain(f"Open {path}"),
        ):  # fmt: skip
            session.opens_large()
            _open(path, text, key)
        st.download_button(
            "", text, path.rpartition("/")[2] or "file", "text/plain", key=f"{key}:save",
            icon=":material/download:", type="tertiary", on_click="ignore",
            help=plain(f"Download {path}"),
        )  # fmt: skip


@st.dialog("File", width="large", on_dismiss=session.closes_large)
def _open(path: str, text: str, key: str) -> None:
    st.markdown(f"**{plain(path)}** :gray[{size_in_words(len(text.encode()))}]")
    as_words = path.endswith(".md") and st.toggle("Show as Markdown", key=f"{key}:words")
    shown = text[:LONG]
    if as_words:
        words(shown, f"{key}:text")
    else:
        st.code(shown, language=None, wrap_lines=True)
    if len(text) > LONG:
        st.caption(f"The first {LONG:,} of {len(text):,} characters.")
    if not text:
        st.caption("The file is empty.")


def zipped(files: Mapping[str, str]) -> bytes:
    """The files in one archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            with contextlib.suppress(NodeError):  # a path that leads out of a folder stays out
                archive.writestr(str(place_in(path)), text)
    return buffer.getvalue()
