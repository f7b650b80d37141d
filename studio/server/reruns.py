"""Reruns of parts of a page, for callbacks."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st
from streamlit.errors import StreamlitAPIException

from patchbay.studio.server.wished_page import is_wished


def rerun_parts(*parts: str) -> NoReturn:
    """Rerun the fragments of these keys; the whole page where it does not have them, or where it
    leads to another one.

    It does not have them when another page was opened before the canvas's last word arrived: its
    callback runs ahead of that page, which has none of the editor's parts.
    """
    if is_wished():
        st.rerun()
    try:
        st.rerun(list(parts))
    except StreamlitAPIException:
        st.rerun()
