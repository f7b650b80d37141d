"""Two runs of one flow side by side, below a run on its page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.history import PastRun
from patchbay.flows.wording import plural
from patchbay.nodes.units import date, duration
from patchbay.studio.plain_text import plain
from patchbay.studio.runs.compared import Compared, TwoValues, compared
from patchbay.studio.runs.past import too_long
from patchbay.studio.server.services import services
from patchbay.studio.views.live import difference as show_difference
from patchbay.studio.views.values import gist, shape_of, show_value

LONGEST = 200_000
"""Characters of a value that are compared letter by letter."""


def comparison(past: PastRun, others: Sequence[PastRun]) -> None:
    """Offer the other runs, and show what differs from the one that is chosen."""
    if not others:
        return
    key = f"compare:{past.id}"
    with st.expander("Compare with another run", key=key, on_change="rerun") as fold:
        if not fold.open:
            return
        by_id = {other.id: other for other in others}
        chosen = st.selectbox(
            "The other run", list(by_id), key=f"{key}:with",
            format_func=lambda run: _label(by_id[run]),
        )  # fmt: skip
        _show(past, by_id[chosen or others[0].id])


def _label(past: PastRun) -> str:
    given = ", ".join(f"{name}: {gist(value, 40)}" for name, value in past.inputs.items())
    return " · ".join(filter(None, [date(past.started_at, clock=True), past.status, given]))


def _show(past: PastRun, other: PastRun) -> None:
    history = services().history
    if too_long(history, past.id) or too_long(history, other.id):
        st.caption("One of the two has too many events to be compared here.")
        return
    try:
        found = compared(
            (other.flow, past.flow), (other.inputs, past.inputs), (other.outputs, past.outputs),
            (history.events(other.id), history.events(past.id)), services().catalog,
        )  # fmt: skip
    except FlowError as error:
        st.error(plain(f"The flow of one of the two cannot be read any more. {error.in_words()}"))
        return
    left, right = st.columns(2)
    for column, run, title in ((left, other, "The other run"), (right, past, "This run")):
        with column:
            st.markdown(f"**{title}**")
            facts = [date(run.started_at, clock=True), run.status, duration(run.seconds)]
            facts += [plural(run.tokens, "token")] if run.tokens else []
            st.caption(plain(" · ".join(facts)))
    st.markdown("**Flow**")
    st.markdown("\n".join(f"- {plain(line)}" for line in found.flow) or "It is the same.")
    for name, pairs in (("Inputs", found.inputs), ("Outputs", found.outputs)):
        _pairs(name, pairs, f"{past.id}:{other.id}:{name}")
    st.markdown("**Nodes**")
    st.markdown(_table(found))
    _gave(found, f"{past.id}:{other.id}:gave")


def _gave(found: Compared, key: str) -> None:
    """What a node gave in both, one node at a time: those that gave something else."""
    unlike = {spent.node: spent for spent in found.nodes if spent.gave_the_same is False}
    if not unlike:
        return
    chosen = st.selectbox(
        "What a node gave", list(unlike), None, key=key, placeholder="Choose a node",
        format_func=lambda node: unlike[node].title,
    )  # fmt: skip
    if chosen:
        _pairs(unlike[chosen].title, unlike[chosen].gave or (), f"{key}:{chosen}")


def _pairs(title: str, pairs: Iterable[TwoValues], key: str) -> None:
    for pair in pairs:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(title)}** {plain(pair.name)}", width="content")
            if pair.same:
                st.caption("Both have the same.")
                continue
            texts = as_text(pair.one), as_text(pair.other)
            if texts[0] is not None and texts[1] is not None and st.button(
                "Difference", icon=":material/difference:", type="tertiary",
                key=f"{key}:{pair.name}:difference",
                help="Both as one text, with what went and what came.",
            ):  # fmt: skip
                _difference(f"{title} {pair.name}", texts[0], texts[1])
        for column, value, side in zip(st.columns(2), (pair.one, pair.other), "ab", strict=True):
            with column:
                if value is None:
                    st.caption("Nothing.")
                else:
                    show_value(value, f"{key}:{pair.name}:{side}")


@st.dialog("Difference", width="large")
def _difference(name: str, one: str, other: str) -> None:
    """Two values in large, as one text."""
    st.caption(plain(f"{name}: the other run → this run"))
    if len(one) > LONGEST or len(other) > LONGEST:
        st.caption(f"Of each, the first {LONGEST:,} characters.")
    show_difference(one[:LONGEST], other[:LONGEST], "difference")


def as_text(value: Any) -> str | None:
    """A stored value as a text that can be compared letter by letter; None where it is none."""
    if value is None or shape_of(value) == "picture":
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _table(found: Compared) -> str:
    """The nodes of both as a Markdown table: the other run's figures, then this one's."""
    lines = ["| Node | Seconds | Tokens | Gave |", "| --- | --- | --- | --- |"]
    for spent in found.nodes:
        seconds = " → ".join("–" if each is None else duration(each) for each in spent.seconds)
        tokens = " → ".join("–" if each is None else f"{each:,}" for each in spent.tokens)
        gave = {True: "the same", False: "**something else**", None: "–"}[spent.gave_the_same]
        cells = [plain(spent.title), seconds, tokens if any(spent.tokens) else "", gave]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
