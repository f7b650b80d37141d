"""Export of the open flow: canonical JSON, and pictures that carry it."""

from __future__ import annotations

import streamlit as st

from flows.problems import FlowError
from flows.writing import canonical_text, plain_secrets
from studio.document import Document
from studio.library import slug
from studio.words import plain


def export_menu(document: Document) -> None:
    """The menu in the toolbar."""
    with st.popover("Export", icon=":material/download:"):
        flow = document.flow
        name = document.path.stem if document.path else slug(flow.name)
        secrets = list(plain_secrets(flow))
        if secrets:
            st.error(f"{plain(secrets[0].message)} {plain(secrets[0].fix)}")
            return
        try:
            text = canonical_text(flow)
        except FlowError as error:
            st.error(plain(str(error)))
            return
        st.download_button(
            "Flow (JSON)", text, f"{name}.json", "application/json", key="export-json",
            on_click="ignore", width="stretch", type="tertiary",
        )  # fmt: skip
        from studio.picture import draw
        from studio.services import services

        st.download_button(
            "Picture (PNG, opens as a flow)", lambda: draw(flow, services().catalog).png(text),
            f"{name}.png", "image/png", key="export-png", on_click="ignore", width="stretch",
            type="tertiary",
        )  # fmt: skip
        st.download_button(
            "Picture (SVG)", lambda: draw(flow, services().catalog).svg(text).encode(),
            f"{name}.svg", "image/svg+xml", key="export-svg", on_click="ignore", width="stretch",
            type="tertiary",
        )  # fmt: skip
