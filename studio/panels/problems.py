"""The Problems tab: everything that is wrong, where, and a button where the fix is mechanical."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from patchbay.flows.checks.memory import memory_plan
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.problems import Problem
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.panels.fixes import fixes
from patchbay.studio.server import session
from patchbay.studio.server.editing import edit
from patchbay.studio.server.services import services
from patchbay.studio.words import plain

SHOWN = 50


def problems_panel(document: FlowDocument, refresh: Callable[[], None]) -> None:
    """Draw the list. `refresh` reruns what depends on the flow; for callbacks."""
    found = document.problems()
    resolved = resolve_once(document.flow, services().catalog)
    if memory := memory_plan(resolved, document.folder).words():
        st.caption(f"Memory for models: {plain(memory)}")
    if not found:
        st.success("Nothing is wrong with this flow.")
        return
    for number, problem in enumerate(found[:SHOWN]):
        _draw(document, problem, number, refresh)
    if len(found) > SHOWN:
        st.caption(f"And {len(found) - SHOWN} more.")


def _draw(
    document: FlowDocument, problem: Problem, number: int, refresh: Callable[[], None]
) -> None:
    def go() -> None:
        if problem.node:
            session.reveal(problem.node)
        refresh()

    tint = "red" if problem.severity == "error" else "orange"
    with st.container(border=True, gap="xsmall"):
        where = problem.place or "the flow"
        st.markdown(f":{tint}-badge[{problem.severity}] **{plain(where)}**")
        st.markdown(plain(problem.message))
        if problem.fix:
            st.caption(plain(problem.fix))
        offered = fixes(document.flow, problem, services().catalog)
        with st.container(horizontal=True, gap="xsmall"):
            if problem.node in document.flow.by_id():
                st.button("Show", key=f"go:{document.id}:{number}", on_click=go)
            for index, fix in enumerate(offered):
                st.button(
                    plain(fix.label),
                    key=f"fix:{document.id}:{number}:{index}",
                    on_click=edit,
                    args=(document, fix.operation, refresh),
                )
