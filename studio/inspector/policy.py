"""How the engine treats a node: the part of the inspector that every kind has."""

from __future__ import annotations

import streamlit as st

from patchbay.flows.document.model import DEFAULT_POLICY, NodeInstance, RunPolicy
from patchbay.flows.document.operations import SetRun
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.server import session
from patchbay.studio.server.editing import Refresh, edit


def run_policy(document: FlowDocument, node: NodeInstance, refresh: Refresh) -> None:
    """Retries, time limit, what a failure ends, use of known results."""
    changed = node.run != DEFAULT_POLICY
    with st.expander("How it runs" + (" (changed)" if changed else "")):
        _policy_number(document, node, "retries", "Retries", refresh)
        if node.run.retries:
            _policy_number(document, node, "backoff_s", "Seconds before the first retry", refresh)
        _policy_number(document, node, "timeout_s", "Time limit (seconds)", refresh)
        _policy_choice(
            document, node, "on_error", "When it fails", refresh,
            {"fail": "The run ends", "continue": "The rest goes on"},
        )  # fmt: skip
        _policy_choice(
            document, node, "cache", "Known results", refresh,
            {
                "auto": "Use them where repeatable", "always": "Always use them",
                "never": "Run every time",
            },
        )  # fmt: skip


def _policy_number(
    document: FlowDocument, node: NodeInstance, name: str, label: str, refresh: Refresh
) -> None:
    value = getattr(node.run, name)
    widget = f"r:{document.id}:{node.id}:{name}"
    key = session.widget_key(widget, value)

    def changed() -> None:
        new = st.session_state[key]
        if new is None and name != "timeout_s":
            new = getattr(DEFAULT_POLICY, name)
        if name == "timeout_s" and not new:
            new = None
        if session.widget_gave(widget, key, new):
            edit(document, SetRun(node=node.id, run={name: new}), refresh)

    doc = RunPolicy.model_fields[name].description
    whole = name == "retries"
    st.number_input(
        label, min_value=0 if whole else 0.0, max_value=20 if whole else None, value=value, key=key,
        step=1 if whole else 1.0, format=None if whole else "%g", on_change=changed, help=doc,
        placeholder="none",
    )  # fmt: skip


def _policy_choice(
    document: FlowDocument, node: NodeInstance, name: str, label: str, refresh: Refresh,
    words: dict[str, str],
) -> None:  # fmt: skip
    value = getattr(node.run, name)
    widget = f"r:{document.id}:{node.id}:{name}"
    key = session.widget_key(widget, value)

    def changed() -> None:
        if session.widget_gave(widget, key, st.session_state[key]):
            edit(document, SetRun(node=node.id, run={name: st.session_state[key]}), refresh)

    st.selectbox(
        label, list(words), list(words).index(value), key=key, on_change=changed,
        format_func=words.__getitem__, help=RunPolicy.model_fields[name].description,
    )  # fmt: skip
