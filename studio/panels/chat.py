"""The Chat tab, for flows that take one text and give one."""

from __future__ import annotations

import json
from collections.abc import Iterable

import streamlit as st

from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.panels.questions import notices, show_questions
from patchbay.studio.panels.run import form_values, latest, show_refusals, start_with, stop
from patchbay.studio.runs.runner import LiveRun
from patchbay.studio.runs.steps import spent
from patchbay.studio.server import session
from patchbay.studio.server.editing import Refresh
from patchbay.studio.server.questions import asked
from patchbay.studio.server.services import services
from patchbay.studio.views.live import answering_node, follow, title_of, words
from patchbay.studio.views.trace import show_trace
from patchbay.studio.views.values import show_value
from patchbay.studio.words import count, plain

REMEMBERS = "The flow sees the whole conversation."
FORGETS = (
    "The flow sees each message alone, not those before it. For a conversation, set the kind of "
    "its *Flow input* to messages."
)

_history: dict[tuple[str, str], list[str]] = {}
"""Run ids of the chat, by document and browser; it outlives a reload, and ends with the process."""


def chat_panel(document: FlowDocument, refresh: Refresh) -> None:
    """Draw the tab. `refresh` reruns what depends on the run; for callbacks."""
    wanted = asked(document.flow)
    name = wanted.chat_input
    if name is None:
        st.markdown("**This flow is not a chat**")
        st.markdown(
            "A flow can be talked to when it asks for one text, or for messages, and gives one "
            "answer: one *Flow input* of that kind without a default, or the only one, and one "
            "*Flow output*. Use the Run tab instead."
        )
        return
    key = (document.id, session.browser())
    runs = [live for run_id in _history.get(key, ()) if (live := services().runner.get(run_id))]
    with st.container(key="chat-log", gap="small"):
        if not runs:
            st.caption("Ask something. Every question starts a run of this flow.")
        st.caption(REMEMBERS if wanted.remembers else FORGETS)
        for live in runs:
            _exchange(document, live, name, refresh)
    show_refusals(document)
    active = runs[-1].active if runs else False

    def asked_for() -> None:
        question = st.session_state["chat-input"]
        if question and question.strip():
            said = [*conversation(runs, name), message("user", question)]
            inputs = {**form_values(document), name: said if wanted.remembers else question}
            if start_with(document, inputs) and (live := latest(document)):
                _history.setdefault(key, []).append(live.id)
            else:  # what was typed is still there when the reason is gone
                session.remember("chat-refused", question)
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
    if refused := session.recall("chat-refused"):
        session.forget("chat-refused")
        st.session_state["chat-input"] = refused
    st.chat_input("Message the flow", key="chat-input", on_submit=asked_for, disabled=active)


def message(role: str, content: str) -> dict[str, str]:
    """One turn, as an input of the kind messages takes it."""
    return {"role": role, "content": content}


def conversation(runs: Iterable[LiveRun], name: str) -> list[dict[str, str]]:
    """What was said before: every question that got an answer, and the answer."""
    turns: list[dict[str, str]] = []
    for live in runs:
        if answer := said(live):
            turns += [message("user", question_of(live, name)), message("assistant", answer)]
    return turns


def question_of(live: LiveRun, name: str) -> str:
    """What was asked in a run: the text, or the last turn of the conversation."""
    given = live.inputs.get(name, "")
    if isinstance(given, list) and given and isinstance(given[-1], dict):
        return str(given[-1].get("content", ""))
    return str(given)


def said(live: LiveRun) -> str:
    """The text that a run answered, as far as it came; "" where it gave none."""
    value = next(iter(live.progress.outputs.values()), None)
    if isinstance(value, str):
        return value
    if value is not None:
        return json.dumps(value, ensure_ascii=False)
    if live.progress.status != "cancelled":
        return ""
    streamed = live.progress.nodes.get(answering_node(live))
    return streamed.text if streamed else ""


def _exchange(document: FlowDocument, live: LiveRun, name: str, refresh: Refresh) -> None:
    with st.chat_message("user"):
        words(question_of(live, name), f"chat:{live.id}:question")
    with st.chat_message("assistant"):
        services().runner.catch_up(live)
        notices()
        progress = live.progress
        if progress.status in ("running", "waiting"):
            show_questions(live.id, refresh, progress.questions)
        if live.active:
            follow(document, live, f"chat:{live.id}", chat=True)
            return
        if progress.status in ("waiting", "elsewhere"):
            if progress.status == "elsewhere":
                st.caption("It was answered elsewhere and goes on in another process.")
            _what_was_done(live)
            return
        if progress.status == "failed":
            problem = progress.problem or {}
            st.error(plain(problem.get("message", "")) + "\n\n" + plain(problem.get("fix", "")))
        elif progress.status == "cancelled":
            st.caption("Stopped.")
        value = next(iter(progress.outputs.values()), None)
        if value is None or isinstance(value, str):
            words(said(live), f"chat:{live.id}:said")
        else:
            show_value(value, f"chat:{live.id}:answer")
        st.caption(plain(" · ".join(spent(progress.seconds, progress.tokens))))
        _what_was_done(live)


def _what_was_done(live: LiveRun) -> None:
    """The steps of agents behind an answer, folded."""
    for path, node in live.progress.nodes.items():
        if node.steps:
            label = f"{title_of(live, path)}: {count(len(node.steps), 'step')}"
            key = f"did:{live.id}:{path}"
            with st.expander(plain(label), key=key, on_change="rerun") as fold:
                if fold.open:
                    show_trace(node.steps, f"{key}:trace")
