"""Three steps for people who are new, above their flows; each can be left, and stays away then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from patchbay.studio.server.services import services

LEFT = "first steps"
"""The choice that keeps them away, where it is `left`: whoever draws them looks first."""


@dataclass(frozen=True, slots=True)
class FirstStep:
    """A step: what to do, why, the button that does it, and whether it was done."""

    title: str
    about: str
    button: str
    act: Callable[[], None]
    done: bool


def first_steps(
    own: int, ran: bool, *, take: Callable[[], None], run: Callable[[], None],
    draw: Callable[[], None],
) -> None:  # fmt: skip
    """Draw them; once all are done they are left for good, as by the button.

    Args:
        own: how many flows the person has.
        ran: whether one of them ran.
        take: opens a first template.
        run: opens the latest flow, ready to run.
        draw: opens an empty flow.
    """
    steps = (
        FirstStep("1. Take a template", "A question, a prompt, a model on this machine, an answer.",
                  "Take the smallest", take, own > 0),
        FirstStep("2. Run it", "The answer streams in; a click on a node shows what went through.",
                  "Open it", run, ran),
        FirstStep("3. Draw your own", "Start with these five, or drop documents on the canvas.",
                  "New canvas", draw, own > 1),
    )  # fmt: skip
    if all(step.done for step in steps):
        _leave()
        return
    with st.container(border=True, key="first-steps", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**Three steps to a first flow**")
            st.space("stretch")
            st.button("Leave this", key="steps-leave", on_click=_leave, type="tertiary")
        following = next(step for step in steps if not step.done)
        for column, step in zip(st.columns(3), steps, strict=True):
            with column:
                st.markdown(f"{step.title}{' :green-badge[done]' if step.done else ''}")
                st.caption(step.about)
                st.button(
                    step.button, key=f"step:{step.button}", on_click=step.act,
                    type="primary" if step is following else "secondary",
                    disabled=step.button == "Open it" and own == 0,
                )  # fmt: skip


def _leave() -> None:
    services().choices.put(LEFT, "left")
