"""The toolbar's menu that exports the open flow."""

from __future__ import annotations

import streamlit as st

from patchbay.flows.document.writing import plain_secrets
from patchbay.flows.problems import FlowError
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.export import MEDIA, ExportFormat, export
from patchbay.studio.plain_text import plain
from patchbay.studio.server.services import services

LABELS: dict[ExportFormat, str] = {
    "json": "Flow (JSON)",
    "png": "Picture (PNG, opens as a flow)",
    "svg": "Picture (SVG, opens as a flow)",
}


def export_menu(document: FlowDocument) -> None:
    """Draw the menu."""
    with st.popover("Export", icon=":material/download:"):
        export_buttons(document)


def export_buttons(document: FlowDocument) -> None:
    """A button for each form, or why the flow cannot be exported."""
    if secrets := list(plain_secrets(document.flow)):
        st.error(f"{plain(secrets[0].message)} {plain(secrets[0].fix)}")
        return
    catalog, stem = services().catalog, document.path.stem if document.path else "flow"
    for form, label in LABELS.items():

        def made(form: ExportFormat = form) -> bytes:
            try:
                return export(document, form, catalog).data
            except FlowError as error:  # changed since the menu was drawn
                return str(error).encode()

        st.download_button(
            label, made, f"{stem}.{form}", MEDIA[form], key=f"export-{form}", on_click="ignore",
            width="stretch", type="tertiary",
        )  # fmt: skip
    _other_forms(document, stem)


def _other_forms(document: FlowDocument, stem: str) -> None:
    """A script, a notebook or another builder's file; or which node stands in the way."""
    from patchbay.flows.exchange.exports import FORMS, exported

    form = st.selectbox(
        "Export as…", [*FORMS], index=None, format_func=lambda form: FORMS[form][0],
        key="export-other", placeholder="Export as…", label_visibility="collapsed",
    )  # fmt: skip
    if form is None:
        return
    try:
        files = exported(document.flow, form, services().catalog, stem)
    except FlowError as error:
        st.warning(f"The flow cannot be said as a {FORMS[form][0]}.")
        for problem in error.problems[:8]:
            st.markdown(f"- {plain(problem.message)} {plain(problem.fix)}")
        return
    for name, text in files.items():
        st.download_button(
            f"Download {name}", text, name, "text/plain", key=f"export-{name}", on_click="ignore",
            width="stretch",
        )  # fmt: skip
