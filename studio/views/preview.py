"""A flow to look at, not to edit: drawn by streamlit-flow-component, which lays out by itself."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from patchbay.flows.document.model import Flow
from patchbay.studio.pictures.picture import MARK_COLORS, STATUS_COLORS, positions
from patchbay.studio.plain_text import entities
from patchbay.studio.server.services import services


@st.fragment
def preview(
    flow: Flow, key: str, *, height: int = 360, marks: Mapping[str, str] | None = None
) -> None:
    """Draw the flow. `marks` colors nodes by their status in a run, or by what changed.

    The component keeps its own state by key, so a changed flow or marks need another key. It tells
    Python its state some time after it is drawn: the whole page would run anew, and close a dialog
    that was opened meanwhile.
    """
    from streamlit_flow import streamlit_flow
    from streamlit_flow.elements import StreamlitFlowEdge, StreamlitFlowNode
    from streamlit_flow.layouts import ManualLayout
    from streamlit_flow.state import StreamlitFlowState

    dark = getattr(st.context.theme, "type", None) == "dark"
    ink, paper, edge = ("#e6e8ef", "#1f222b", "#3a3f4d") if dark else ("#23262f", "#fff", "#cfd4df")
    places = positions(flow)
    nodes = []
    for node in flow.nodes:
        cls = services().catalog.get(node.kind)
        mark = (marks or {}).get(node.id, "")
        color = MARK_COLORS.get(mark) or STATUS_COLORS.get(mark) or edge
        title = entities(node.title or (cls.called(node.params) if cls else node.kind))
        style = {
            "background": paper, "color": ink, "borderRadius": "8px", "width": "190px",
            "border": f"{2 if mark else 1}px solid {color}", "padding": "6px 8px",
        }  # fmt: skip
        place = places[node.id]
        content = f"{title} · {mark}" if mark else title
        nodes.append(
            StreamlitFlowNode(
                node.id,
                (place.x, place.y * 0.7),
                {"content": content},
                "default",
                "right",
                "left",
                style=style,
                draggable=False,
            )
        )
    edges = [
        StreamlitFlowEdge(f"e{i}", e.source_node, e.target_node, style={"stroke": "#8b90a0"})
        for i, e in enumerate(flow.edges)
        if {e.source_node, e.target_node} <= places.keys()
    ]
    streamlit_flow(
        f"{key}-{'d' if dark else 'l'}", StreamlitFlowState(nodes, edges, timestamp=0),
        height=height, fit_view=True, show_controls=False, layout=ManualLayout(),
        hide_watermark=True, min_zoom=0.1,
    )  # fmt: skip
