"""What a person thinks of an answer: a thumb, and a comment where there is one."""

from __future__ import annotations

import streamlit as st

from patchbay.flows.runs.thumbs import LONGEST, keep_thumb, thumbs_by_run
from patchbay.studio.server import session
from patchbay.studio.words import plain

THUMBS = ((1, "thumb_up", "A good answer"), (-1, "thumb_down", "A bad answer"))


def show_thumbs(run: str) -> None:
    """Draw both thumbs of an answer; with one given, room for a comment.

    Args:
        run: the id of the run that gave the answer.
    """
    known = thumbs_by_run().get(run, {})
    rating, comment = int(known.get("rating") or 0), str(known.get("comment") or "")
    for value, icon, words in THUMBS:
        st.button(
            "", key=f"{icon}:{run}", icon=f":material/{icon}:", help=words,
            type="secondary" if rating == value else "tertiary", on_click=_keep,
            args=(run, 0 if rating == value else value, comment),
        )  # fmt: skip
    if not rating:
        return
    with st.popover("", icon=":material/comment:", type="tertiary", help="Say why"):
        box = f"thumb-why:{run}"

        def said() -> None:
            _keep(run, rating, st.session_state[box] or "")

        st.text_area("Why", comment, key=box, max_chars=LONGEST,
                     on_change=said)  # fmt: skip
    if refused := session.recall(f"thumb-refused:{run}"):
        st.caption(f":red[{plain(refused)}]")


def _keep(run: str, rating: int, comment: str) -> None:
    session.forget(f"thumb-refused:{run}")
    try:
        keep_thumb(run, session.browser(), rating, comment)
    except OSError as error:
        session.remember(f"thumb-refused:{run}", f"It is not kept: {error.strerror or error}.")
