"""Whose values the variables of an open flow have in runs of this session."""

from __future__ import annotations

import streamlit as st

from patchbay.flows.document.model import Flow
from patchbay.flows.document.variables import settled
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.server import session

USUAL = "as this machine says"
"""The choice that leaves it to the machine."""


def environment_key(document: FlowDocument) -> str:
    """The key of the widget that chooses."""
    return session.short_key(f"env:{document.id}")


def flow_to_run(document: FlowDocument) -> Flow:
    """The flow with the values of the environment that is chosen on its tab."""
    flow = document.flow
    if not flow.variables:
        return flow
    chosen = st.session_state.get(environment_key(document), USUAL)
    return settled(flow, "" if chosen == USUAL else chosen, strict=False)
