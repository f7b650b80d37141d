"""What the selected node took and gave in the last run."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.runs.runner import LiveRun
from patchbay.studio.runs.steps import spent
from patchbay.studio.views.live import title_of
from patchbay.studio.views.trace import show_trace
from patchbay.studio.views.values import show_value
from patchbay.studio.words import plain


def values_panel(document: FlowDocument, selected: Sequence[str], live: LiveRun | None) -> None:
    """Draw the panel.

    Args:
        document: the open flow.
        selected: ids of the selected nodes.
        live: the flow's latest run.
    """
    nodes = [node.id for node in document.flow.nodes if node.id in set(selected)]
    if live is None:
        st.caption("Run the flow, then see here what each node took and gave.")
    elif not nodes:
        st.caption("Select a node to see what it took and gave.")
    for node in nodes[:10]:
        if live is not None:
            _node(live, node)


def _node(live: LiveRun, node: str) -> None:
    st.markdown(f"**{plain(title_of(live, node))}**")
    step = live.progress.nodes.get(node)
    if step is None:
        st.caption("It had no part in the last run.")
        return
    st.caption(plain(" · ".join(fact for fact in (step.status, *spent(step.seconds, step.tokens)))))
    if step.problem:
        fix = step.problem.get("fix", "")
        st.error(plain(step.problem.get("message", "")) + (f"\n\n{plain(fix)}" if fix else ""))
    elif step.message:
        st.caption(plain(step.message))
    for warning in step.warnings:
        st.warning(plain(warning))
    show_trace(step.steps, f"trace:{live.id}:{node}")
    for side, values in (("in", live.inputs_of(node)), ("out", step.outputs)):
        for port, value in values.items():
            key = f"v:{live.id}:{node}:{side}:{port}"
            with st.expander(
                f"{plain(port)} ({side})", expanded=side == "out", key=f"fold:{key}",
                on_change="rerun",
            ) as fold:  # fmt: skip
                if fold.open:
                    show_value(value, key)
