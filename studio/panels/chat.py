"""The Chat tab, for flows that take one text and give one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.thread_runs import InThread
from patchbay.flows.runs.threads import Thread, ThreadTurn
from patchbay.flows.wording import plural
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.panels.conversations import (
    branched,
    conversations_bar,
    current,
    show,
    threads,
)
from patchbay.studio.panels.questions import notices, show_questions, stop_asking
from patchbay.studio.panels.run import (
    form_values,
    latest,
    refusals,
    show_refusals,
    start_with,
    stop,
)
from patchbay.studio.panels.thumbs import show_thumbs
from patchbay.studio.runs.runner import LiveRun
from patchbay.studio.runs.steps import spent
from patchbay.studio.server import session
from patchbay.studio.server.editing import Refresh
from patchbay.studio.server.questions import asked
from patchbay.studio.server.services import services
from patchbay.studio.views.live import answering_node, follow, title_of, words
from patchbay.studio.views.trace import show_trace
from patchbay.studio.views.values import show_value
from patchbay.studio.words import plain

if TYPE_CHECKING:
    from patchbay.flows.runs.history import PastRun

SHOWN = 20
"""Turns of a conversation that are shown at first."""
REMEMBERS = "The flow sees the whole conversation."
FORGETS = (
    "The flow sees each message alone, not those before it. For a conversation, set the kind of "
    "its *Flow input* to messages."
)


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
    thread = current(document)
    turns = threads().turns(thread.id) if thread else []
    live = latest(document)
    if live and not _belongs(live, thread, turns):
        live = None
    asleep = None if live else _asleep(document, thread)
    conversations_bar(document, thread, turns, refresh)
    with st.container(key="chat-log", gap="small"):
        if not turns and live is None and asleep is None:
            st.caption("Ask something. Every question starts a run of this flow.")
        st.caption(REMEMBERS if wanted.remembers else FORGETS)
        busy = asleep is not None or live is not None
        _turns(document, thread, _before(turns, live), live, name, refresh, busy)
        if live is not None:
            _exchange(document, live, name, refresh)
        elif asleep is not None:
            _sleeping(asleep, name, refresh)
    show_refusals(document)
    active = live is not None and live.active
    waits = asleep.id if asleep else live.id if live and live.progress.status == "waiting" else ""

    def asked_for() -> None:
        question = st.session_state["chat-input"]
        if question and question.strip():
            said = [message("user", question)] if wanted.remembers else question
            _start(document, thread, {name: said})
            if refusals(document):  # what was typed is still there when the reason is gone
                session.remember("chat-refused", question)
        refresh()

    def halt() -> None:
        stop(document)
        refresh()

    if active:
        st.button("Stop", key="chat-stop", on_click=halt, icon=":material/stop:", width="stretch")
    elif waits:
        st.button(
            "Stop", key="chat-stop", on_click=_stop_waiting, args=(waits, refresh),
            icon=":material/stop:", width="stretch", help="Nobody is asked any more.",
        )  # fmt: skip
    if refused := session.recall("chat-refused"):
        session.forget("chat-refused")
        st.session_state["chat-input"] = refused
    hint = "It waits for your answer above" if waits else "Message the flow"
    st.chat_input(hint, key="chat-input", on_submit=asked_for, disabled=active or bool(waits))


def _stop_waiting(run: str, refresh: Refresh) -> None:
    stop_asking(run)
    refresh()


def _asleep(document: FlowDocument, thread: Thread | None) -> PastRun | None:
    """The run that this conversation waits for, where this page did not see it fall asleep."""
    if thread is None or not thread.run:
        return None
    try:
        past = services().history.get(thread.run)
    except FlowError:
        return None
    if past.status != "waiting":
        return None
    services().runner.show_in(past.id, document.id)
    return past


def _sleeping(past: PastRun, name: str, refresh: Refresh) -> None:
    """A turn that waits for an answer, after a restart or in a conversation opened again."""
    with st.chat_message("user"):
        words(last_said(past.inputs.get(name, "")), f"chat:{past.id}:question")
    with st.chat_message("assistant"):
        notices()
        show_questions(past.id, refresh)


def _start(
    document: FlowDocument, thread: Thread | None, said: dict[str, Any], *, again: bool = False
) -> None:
    """Start a turn, and show its conversation, which may have begun with it."""
    use = InThread(
        thread.id if thread else None, again=again, when_busy="refuse", person=session.browser()
    )
    done = start_with(document, {**form_values(document), **said}, thread=use)
    if done and (started := latest(document)):
        show(document, started.run.thread)


def _belongs(live: LiveRun, thread: Thread | None, turns: list[ThreadTurn]) -> bool:
    """Whether a run is at work in this conversation, or ended in it without a turn."""
    return (
        thread is not None
        and live.run.thread == thread.id
        and (live.active or all(turn.run != live.id for turn in turns))
    )


def _before(turns: list[ThreadTurn], live: LiveRun | None) -> list[ThreadTurn]:
    """The turns before a run that makes the last answer anew."""
    return turns if live is None or not live.active else turns[: live.run.turns_before]


def _turns(
    document: FlowDocument,
    thread: Thread | None,
    turns: list[ThreadTurn],
    live: LiveRun | None,
    name: str,
    refresh: Refresh,
    busy: bool,
) -> None:
    """The turns that are kept, the newest at least. While it is `busy` none is made anew."""
    whole = f"chat:{document.id}:thread:whole"
    shown = turns if session.recall(whole) else turns[-SHOWN:]
    if len(shown) < len(turns):

        def earlier() -> None:
            session.remember(whole, True)
            refresh()

        label = f"Show {plural(len(turns) - len(shown), 'earlier turn')}"
        st.button(label, key="chat-earlier", on_click=earlier, type="tertiary")
    for turn in shown:
        ran = services().runner.get(turn.run)
        if ran is not None and ran.run.thread == (thread.id if thread else ""):
            _exchange(document, ran, name, refresh, turn.asked)
        else:
            _kept(turn)
        if thread is not None and (live is None or not live.active):
            _actions(document, thread, turn, turn is turns[-1] and not busy, name, refresh)


def _actions(
    document: FlowDocument,
    thread: Thread,
    turn: ThreadTurn,
    last: bool,
    name: str,
    refresh: Refresh,
) -> None:
    def again() -> None:
        _start(document, thread, {name: turn.asked}, again=True)
        refresh()

    with st.container(horizontal=True, gap="small", key=f"chat-acts:{turn.number}"):
        if turn.run and not turn.damaged:
            show_thumbs(turn.run)
        if last and not turn.damaged:
            st.button(
                "", key="chat-again", icon=":material/refresh:", type="tertiary", on_click=again,
                help="Make this answer anew",
            )  # fmt: skip
        st.button(
            "", key=f"chat-branch:{turn.number}", icon=":material/call_split:", type="tertiary",
            help="Go on from here in a new chat", on_click=branched,
            args=(document, thread, turn.number, refresh),
        )  # fmt: skip


def _kept(turn: ThreadTurn) -> None:
    """A turn of an earlier day, as it is kept."""
    with st.chat_message("user"):
        if turn.damaged:
            st.caption("This turn is damaged and cannot be read.")
        else:
            words(turn.asked, f"chat:{turn.run}:{turn.number}:asked")
    with st.chat_message("assistant"):
        words(turn.answer, f"chat:{turn.run}:{turn.number}:answer")


def message(role: str, content: str) -> dict[str, str]:
    """One turn, as an input of the kind messages takes it."""
    return {"role": role, "content": content}


def question_of(live: LiveRun, name: str) -> str:
    """What was asked in a run: the text, or the last turn of the conversation."""
    return last_said(live.inputs.get(name, ""))


def last_said(given: Any) -> str:
    """A text, or the last message of a conversation, as an input of a run holds it."""
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


def _exchange(
    document: FlowDocument, live: LiveRun, name: str, refresh: Refresh, asked_: str = ""
) -> None:
    with st.chat_message("user"):
        words(asked_ or question_of(live, name), f"chat:{live.id}:question")
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
            label = f"{title_of(live, path)}: {plural(len(node.steps), 'step')}"
            key = f"did:{live.id}:{path}"
            with st.expander(plain(label), key=key, on_change="rerun") as fold:
                if fold.open:
                    show_trace(node.steps, f"{key}:trace")
