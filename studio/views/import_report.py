"""The report of an import, as a dialog: what became of each node of another builder's file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from patchbay.studio.documents.importing import TakenIn
from patchbay.studio.plain_text import plain

MOST_FLOWS, MOST_LINES = 50, 200


@st.dialog("What became of the file", width="large")
def report_dialog(rows: Sequence[TakenIn], open_flow: Callable[[str], object]) -> None:
    """The report, and the way to the flows.

    Args:
        rows: the flows that came from the file.
        open_flow: opens the flow of a file name; called when the person asks for it.
    """
    from patchbay.flows.exchange.imports.report import HEADINGS

    for row in rows[:MOST_FLOWS]:
        if row.report is None:
            continue
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(row.title)}** · {plain(row.report.summary() or 'nothing')}")
            st.space("stretch")
            if st.button("Open", key=f"report-open:{row.stem}", type="primary"):
                open_flow(row.stem)
                st.rerun()
        for status, heading in HEADINGS.items():
            entries = row.report.of(status)
            if not entries:
                continue
            label = f"{heading} ({len(entries)})"
            with st.expander(label, expanded=status != "mapped" and len(rows) == 1):
                for entry in entries[:MOST_LINES]:
                    words = f": {plain(entry.words)}" if entry.words else ""
                    st.markdown(f"- **{plain(entry.what)}**{words}")
