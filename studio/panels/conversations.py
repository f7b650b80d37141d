"""The conversations of a flow, as the Chat tab lists them: found, opened, renamed, deleted."""

from __future__ import annotations

import streamlit as st

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.thread_export import as_markdown
from patchbay.flows.runs.threads import Thread, Threads, ThreadTurn
from patchbay.flows.wording import plural
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.library import slug
from patchbay.studio.server import session
from patchbay.studio.server.editing import Refresh
from patchbay.studio.server.services import services
from patchbay.studio.words import plain

LISTED = 30
"""Conversations that are listed; a search finds the others."""
NEW = ""
"""In place of the id of a thread: one that is begun with the next message."""


def threads() -> Threads:
    """The store of threads."""
    return Threads(services().history)


def current(document: FlowDocument) -> Thread | None:
    """The conversation that this tab shows: the one that was opened, or else the latest."""
    chosen = session.recall(_key(document))
    if chosen == NEW:
        return None
    found = threads().find(chosen) if chosen else None
    return found or next(iter(_mine(document, limit=1)), None)


def show(document: FlowDocument, thread: str) -> None:
    """Have this tab show a conversation; `NEW` for one that is begun with the next message."""
    session.remember(_key(document), thread)
    session.forget(f"{_key(document)}:whole")


def conversations_bar(
    document: FlowDocument, thread: Thread | None, turns: list[ThreadTurn], refresh: Refresh
) -> None:
    """The row above a chat: which conversation it is, the others, and a new one."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="chat-bar"):
        with st.popover("", icon=":material/forum:", help="Conversations", key="chat-threads"):
            _listed(document, thread, refresh)
        title = plain(thread.title) if thread else "New chat"
        st.markdown(f"**{title}**", width="stretch")
        if thread is not None:
            with st.popover("", icon=":material/more_vert:", help="This conversation"):
                _manage(document, thread, turns, refresh)
            st.button(
                "", key="chat-clear", icon=":material/edit_square:", type="tertiary",
                help="New chat", on_click=_opened, args=(document, NEW, refresh),
            )  # fmt: skip


def _listed(document: FlowDocument, thread: Thread | None, refresh: Refresh) -> None:
    wanted = st.text_input(
        "Search conversations", key="chat-search", placeholder="What was said",
        label_visibility="collapsed",
    )  # fmt: skip
    found = _mine(document, wanted or "", limit=LISTED)
    if not found:
        said = "Nothing that was said fits." if wanted else "There are no conversations yet."
        st.caption(said)
    with st.container(key="chat-list", gap=None):
        for one in found:
            here = thread is not None and one.id == thread.id
            st.button(
                plain(one.title or one.id), key=f"chat-open:{one.id}", width="stretch",
                type="secondary" if here else "tertiary", help=plural(one.turns, "turn"),
                on_click=_opened, args=(document, one.id, refresh),
            )  # fmt: skip


def _manage(
    document: FlowDocument, thread: Thread, turns: list[ThreadTurn], refresh: Refresh
) -> None:
    key = session.widget_key(f"chat-title:{thread.id}", thread.title)

    def renamed() -> None:
        _tried(lambda: threads().rename(thread.id, st.session_state[key]))
        refresh()

    def deleted() -> None:
        from patchbay.flows.runs.defaults import default_environment
        from patchbay.flows.runs.forgetting import forget_thread

        cache = default_environment().cache
        if _tried(lambda: forget_thread(services().history, thread.id, cache)):
            session.forget(_key(document))
        refresh()

    st.text_input("Title", thread.title, key=key, max_chars=200, on_change=renamed)
    st.caption(plain(f"patchbay chat --thread {thread.id}"))
    st.download_button(
        "Export", as_markdown(thread, turns), f"{slug(thread.title or thread.id)}.md",
        "text/markdown", icon=":material/download:", width="stretch", on_click="ignore",
    )  # fmt: skip
    sure = st.checkbox("Delete it with all its runs", key=f"chat-sure:{thread.id}")
    st.button(
        "Delete", key="chat-delete", icon=":material/delete:", disabled=not sure,
        on_click=deleted, width="stretch",
    )  # fmt: skip


def branched(document: FlowDocument, thread: Thread, turn: int, refresh: Refresh) -> None:
    """Go on from a turn in a conversation of its own. For callbacks."""

    def branch() -> None:
        show(document, threads().branch(thread.id, turn).id)

    _tried(branch)
    refresh()


def _opened(document: FlowDocument, thread: str, refresh: Refresh) -> None:
    show(document, thread)
    refresh()


def _mine(document: FlowDocument, search: str = "", *, limit: int) -> list[Thread]:
    """This person's conversations with the flow, and those that are anybody's."""
    people = [session.browser(), ""]
    return threads().listed(search, place=str(document.path or ""), people=people, limit=limit)


def _tried(work: object) -> bool:
    """Do something; say why where it cannot be done."""
    assert callable(work)  # noqa: S101 - callers are in this file
    try:
        work()
    except FlowError as error:
        session.remember("notice", " ".join(f"{p.message} {p.fix}" for p in error.problems))
        return False
    return True


def _key(document: FlowDocument) -> str:
    return f"chat:{document.id}:thread"
