"""A past run in the editor: the canvas as it was, read only, with its values and its time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import streamlit as st

from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.history import PastRun
from patchbay.nodes.units import date
from patchbay.studio.canvas import Dock, canvas
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.plain_text import plain
from patchbay.studio.runs.past import past_live, pins_of, same_work, timeline, too_long
from patchbay.studio.runs.steps import spent, tokens_of
from patchbay.studio.screens.editor_commands import EditorCommands
from patchbay.studio.screens.runs import STATUS, past_run
from patchbay.studio.server import session
from patchbay.studio.server.reruns import rerun_parts
from patchbay.studio.server.services import services
from patchbay.studio.server.wished_page import open_in_editor
from patchbay.studio.views.live import query

KEY = "past"


@dataclass(frozen=True, slots=True)
class Watched:
    """A past run that this tab looks at."""

    past: PastRun
    document: FlowDocument
    events: list[dict[str, Any]]
    moments: list[dict[str, Any]]
    """What the canvas is told of them; made once, however often it is drawn."""


def page(run_id: str) -> None:
    """Draw the page."""
    watched = _watched(run_id)
    if watched is None:
        return
    st.session_state["watched"] = watched
    past = watched.past
    tint, word = STATUS[past.status]
    with st.container(horizontal=True, vertical_alignment="center", key="past-row", gap="small"):
        runs = session.recall("page:runs")
        st.page_link(
            runs, label="This run", icon=":material/arrow_back:", query_params={"run": run_id}
        )
        st.markdown(f"**{plain(past.name)}**")
        st.markdown(f":{tint}-badge[{word}]")
        last = watched.events[-1] if watched.events else {}
        facts = [
            date(past.started_at, clock=True),
            *spent(past.seconds, tokens_of(last.get("tokens"))),
        ]
        st.caption(plain(" · ".join(facts)))
    with st.container(key="surface"):
        _canvas()


def _watched(run_id: str) -> Watched | None:
    known: Watched | None = st.session_state.get("watched")
    if known is not None and known.past.id == run_id:
        return known
    past = past_run(run_id)
    if past is None:
        st.markdown("#### There is no such run")
        st.markdown("It was deleted, or another browser started it.")
        st.page_link(session.recall("page:runs"), label="Go to the runs")
        return None
    history = services().history
    if too_long(history, run_id):
        st.markdown("#### This run is too long to be shown here")
        st.page_link(
            session.recall("page:runs"), label="Step through it", query_params={"run": run_id}
        )
        return None
    try:
        flow = past.flow
    except FlowError as error:
        st.error(plain(f"The flow of this run cannot be read any more. {error.in_words()}"))
        return None
    events = history.events(run_id)
    document = services().documents.shown(flow)
    live = past_live(past, flow, events, session.browser())
    services().runner.show_past(live, document.id, session.browser())
    return Watched(past, document, events, timeline(events, past.started_at))


@st.fragment(key=KEY)
def _canvas() -> None:
    watched: Watched = st.session_state["watched"]
    document = watched.document
    canvas(
        document,
        catalog=services().catalog,
        find=services().documents.by_id,
        key=f"{KEY}-canvas",
        client=session.client(),
        events=f"patchbay/events?{query(document)}",
        dock=Dock(notice=session.told()),
        readonly=True,
        timeline=watched.moments,
        page=PastCommands(document, refresh, watched),
    )


def refresh() -> None:
    """Draw the canvas again. For callbacks."""
    rerun_parts(KEY)


@dataclass(frozen=True, slots=True)
class PastCommands(EditorCommands):
    """What can be done with a past run: go on from it. Nothing of it can be changed."""

    watched: Watched

    def run(self) -> None:
        """It has been run."""
        self.notice("This run is over. Edit from here, or run it again on its own page.")

    def run_to(self, node: str) -> None:
        """It has been run."""
        self.run()

    def rerun_from(self, node: str) -> None:
        """Go on from before this node."""
        self.edit_from(json.dumps({"at": 0, "node": node}))

    def make_flow(self, selection: str) -> None:
        """Nothing of it is changed."""
        self.run()

    def show_documents(self, node: str) -> None:
        """Its documents may be others by now."""
        self.run()

    def edit_from(self, moment: str) -> None:
        """Open the flow of the run, what it had by a moment pinned."""
        try:
            asked = json.loads(moment)
            at, node = float(asked["at"]), str(asked["node"])
        except (ValueError, KeyError, TypeError):
            return
        past, flow = self.watched.past, self.document.flow
        resolved = resolve_once(flow, services().catalog)
        pins = pins_of(resolved, self.watched.events, past.started_at, at, node)
        try:
            name = opened_for(flow)
            path = services().library.path(name)
            if path is None:
                return
            document = services().documents.open(path)
        except FlowError as error:
            self.notice(f"The flow cannot be opened. {error.in_words()}")
            return
        try:
            lost = document.pins.swap(document.flow, pins)
        except FlowError as error:
            problem = error.problems[0]
            self.notice(f"{problem.message} The pins of your flow are as they were. {problem.fix}")
            return
        document.announce()
        open_in_editor(name)
        session.remember(
            "notice", words_of_pins(len(pins), date(past.started_at, clock=True), lost)
        )


def opened_for(flow: Flow) -> str:
    """The person's flow that does the same, by its file's name; else a new one, as it was then."""
    library = services().library
    alike = [e for e in library.own() if e.flow is not None and same_work(e.flow, flow)]
    alike.sort(key=lambda entry: entry.flow is not None and entry.flow.name != flow.name)
    return alike[0].name if alike else library.create(flow).stem


def words_of_pins(pinned: int, when: str, lost: int) -> str:
    """What is said of the pins that a past run has put, and of those that it took away."""
    gone = ""
    if lost:
        gone = " One pin of before is gone." if lost == 1 else f" {lost} pins of before are gone."
    if not pinned:
        nothing = "There was nothing yet that could be pinned."
        return f"This is the flow of the run of {when}. {nothing}{gone}"
    what = "1 value" if pinned == 1 else f"{pinned} values"
    stand = "stands" if pinned == 1 else "stand"
    return f"{what} of the run of {when} {stand} in for running nodes.{gone} Change, then run."
