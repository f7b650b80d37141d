"""The inbox: what runs ask people, all of it, with the answers to give."""

from __future__ import annotations

import streamlit as st

from patchbay.flows.runs.inbox import OpenQuestion
from patchbay.flows.wording import plural
from patchbay.studio.panels.questions import asked_since, notices, show_question
from patchbay.studio.plain_text import plain
from patchbay.studio.runs import answering
from patchbay.studio.server import session
from patchbay.studio.server.services import services
from patchbay.studio.server.wished_page import go


def page() -> None:
    """Draw the page."""
    me = session.browser()
    answering.go_on(services().runner, me)
    owners = services().runner.owners()
    found = [q for q in services().history.inbox.open() if owners.get(q.run, me) == me]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("## Inbox", anchors=False)
        st.space("stretch")
        st.button("Refresh", icon=":material/refresh:")
    notices()
    if not found:
        st.caption(
            "Nobody is asked anything. A flow asks with the nodes Approve, Choose, Edit and Form, "
            "and with tools that ask before they are used; what it asks stands here until "
            "somebody answers, after a restart too."
        )
        return
    st.caption(f"{plural(len(found), 'question')}, the oldest first. Each is answered once.")
    for asked in found:
        with st.container(border=True):
            _head(asked)
            show_question(asked, f"inbox:{asked.run}", lambda: None)


def _head(asked: OpenQuestion) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(plain(f"{asked.flow} · {asked.node} · {asked_since(asked)}"))
        st.space("stretch")
        st.button(
            "The run", key=f"to:{asked.run}:{asked.id}", type="tertiary",
            on_click=go, args=("runs",), kwargs={"run": asked.run},
        )  # fmt: skip
