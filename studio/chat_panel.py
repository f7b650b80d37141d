"""The Chat tab, for flows that take one text and give one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from studio import session
from studio.document import Document
from studio.live import follow
from studio.questions import asked
from studio.run_panel import form_values, latest, refusals, start_with, stop
from studio.runner import LiveRun
from studio.services import services
from studio.values_view import show_value
from studio.words import count, duration, plain, safe_markdown

Refresh = Callable[[], None]

_history: dict[tuple[str, str], list[str]] = {}
"""Run ids of the chat, by document and browser; it outlives a reload, and ends with the process."""


def chat_panel(document: Document, refresh: Refresh) -> None:
    """Draw the tab. `refresh` reruns what depends on the run; for callbacks."""
    name = asked(document.flow).chat_input
    if name is None:
        st.markdown("**This flow is not a chat**")
        st.markdown(
            "A flow can be talked to when it asks for one text and gives one answer: "
            "one *Flow input* of the kind text without a default, or the only one, and one "
            "*Flow output*. Use the Run tab instead."
        )
        return
    key = (document.id, session.browser())
    runs = [live for run_id in _history.get(key, ()) if (live := services().runner.get(run_id))]
    with st.container(key="chat-log", gap="small"):
        if not runs:
            st.caption("Ask something. Every question starts a run of this flow.")
        for live in runs:
            _exchange(document, live, name)
    for problem in refusals(document):
        st.error(plain(problem.message) + (f"\n\n{plain(problem.fix)}" if problem.fix else ""))
    active = runs[-1].active if runs else False

    def asked_for() -> None:
        question = st.session_state["chat-input"]
        if question and question.strip():
            inputs = {**form_values(document), name: question}
            if start_with(document, inputs) and (live := latest(document)):
                _history.setdefault(key, []).append(live.id)
        refresh()

    def halt() -> None:
        stop(document)
        refresh()

    def cleared() -> None:
        _history.pop(key, None)
        refresh()

    if active:
        st.button("Stop", key="chat-stop", on_click=halt, icon=":material/stop:", width="stretch")
    elif runs:
        st.button("New chat", key="chat-clear", on_click=cleared, type="tertiary")
    st.chat_input("Message the flow", key="chat-input", on_submit=asked_for, disabled=active)


def _exchange(document: Document, live: LiveRun, name: str) -> None:
    with st.chat_message("user"):
        st.markdown(safe_markdown(str(live.inputs.get(name, ""))))
    with st.chat_message("assistant"):
        if live.active:
            follow(document, live, f"chat:{live.id}", chat=True)
            return
        progress = live.progress
        if progress.status == "failed":
            problem = progress.problem or {}
            st.error(plain(problem.get("message", "")) + "\n\n" + plain(problem.get("fix", "")))
        elif progress.status == "cancelled":
            st.caption("Stopped.")
        _answer(live, next(iter(progress.outputs.values()), None))
        facts = [duration(progress.seconds)]
        if progress.tokens:
            facts.append(count(progress.tokens, "token"))
        st.caption(plain(" · ".join(facts)))


def _answer(live: LiveRun, value: Any) -> None:
    if isinstance(value, str):
        st.markdown(safe_markdown(value))
    elif value is not None:
        show_value(value, f"chat:{live.id}:answer")
    else:
        streamed = [step.text for step in live.progress.nodes.values() if step.text]
        if live.progress.status == "cancelled" and streamed:
            st.markdown(safe_markdown(streamed[-1]))
