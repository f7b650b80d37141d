"""The runs page: what was run, with what, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.events import Tokens
from patchbay.flows.runs.history import CELL, PastRun
from patchbay.flows.runs.inbox import said
from patchbay.flows.runs.past_events import event_of
from patchbay.flows.runs.prices import Cost, costs
from patchbay.flows.wording import plural
from patchbay.nodes.units import ago, date, duration
from patchbay.studio.panels.questions import notices, show_questions, stop_asking
from patchbay.studio.plain_text import plain
from patchbay.studio.runs.experiments import may_see
from patchbay.studio.runs.progress import STEPS, Progress, waiting_words
from patchbay.studio.runs.shown import Shown, shown_of
from patchbay.studio.runs.steps import spent, step_of, tokens_of
from patchbay.studio.server import session
from patchbay.studio.server.headless import command
from patchbay.studio.server.services import services
from patchbay.studio.server.wished_page import go
from patchbay.studio.views.preview import preview
from patchbay.studio.views.trace import show_trace
from patchbay.studio.views.values import gist, show_value

STATUS = {
    "finished": ("green", "Finished"), "failed": ("red", "Failed"),
    "cancelled": ("gray", "Stopped"), "running": ("blue", "Running"),
    "interrupted": ("orange", "Interrupted"), "waiting": ("orange", "Waits for an answer"),
}  # fmt: skip
SHOWN = 100


def page() -> None:
    """Draw the page."""
    session.closes_large()
    chosen = st.query_params.get("run")
    live = services().runner.get(chosen) if chosen else None
    if chosen and live and live.active and live.owner == session.browser():
        _under_way(chosen)
        return
    past = past_run(chosen) if chosen else None
    if past is not None:
        _one(past)
    else:
        _all()


@st.fragment(run_every=0.5)
def _under_way(run_id: str) -> None:
    """A run that was just started from here; its row may not have been written yet."""
    live = services().runner.get(run_id)
    session.forget("run-step")  # the latest event, as long as there are more to come
    is_over = live is None or not live.active
    if (is_over and not session.is_large()) or st.query_params.get("run") != run_id:
        st.rerun()
    past = past_run(run_id)
    if past is not None:
        _one(past)


def _mine(run_id: str, owners: Mapping[str, str]) -> bool:
    """Runs of another person's browser are not shown; those from the command line are."""
    return owners.get(run_id, session.browser()) == session.browser()


def past_run(run_id: str) -> PastRun | None:
    """A recorded run, where this browser may see it."""
    try:
        past = services().history.get(run_id)
    except FlowError:
        return None
    if run_id.endswith(CELL):
        return past if may_see(run_id, services().history, session.browser()) else None
    return past if _mine(run_id, services().runner.owners()) else None


# --- the list -----------------------------------------------------------------------------------


def _all() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("## Runs", anchors=False)
        st.space("stretch")
        wanted = st.text_input(
            "Search", type="search", live=True, placeholder="Search", key="runs-search",
            label_visibility="collapsed", width=260,
        )  # fmt: skip
        st.button("Refresh", icon=":material/refresh:")
    owners = services().runner.owners()
    runs = [past for past in services().history.runs(SHOWN) if _mine(past.id, owners)]
    if notice := services().history.notice:
        st.warning(plain(notice))
    words = (wanted or "").casefold().split()
    runs = [
        p for p in runs if all(w in f"{p.name} {_inputs(p)} {p.status}".casefold() for w in words)
    ]
    if not runs:
        st.caption(
            "Nothing found." if words else "Nothing has been run yet. Open a flow and press Run."
        )
        return
    found = _costs(runs)
    for past in runs:
        _row(past, found.get(past.id))


def _costs(runs: list[PastRun]) -> dict[str, Cost]:
    """What runs cost; nothing where the settings have no prices that can be read."""
    try:
        return costs(services().history, [past.id for past in runs if past.tokens])
    except FlowError:
        return {}


def _row(past: PastRun, cost: Cost | None) -> None:
    tint, word = STATUS[past.status]
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width=110):
            st.markdown(f":{tint}-badge[{word}]")
        with st.container(width=230):
            st.markdown(f"**{plain(past.name)}**")
        with st.container(width="stretch"):
            st.caption(plain(_inputs(past)) or "no inputs")
        with st.container(width=210):
            facts = [ago(past.started_at)]
            if past.status != "running":
                facts.append(duration(past.seconds))
            if past.tokens:
                facts.append(plural(past.tokens, "token"))
            if cost:
                facts.append(cost.words())
            st.caption(plain(" · ".join(facts)))
        st.button("Open", key=f"run:{past.id}", on_click=_show, args=(past.id,))


def _inputs(past: PastRun) -> str:
    return ", ".join(f"{name}: {gist(value, 60)}" for name, value in past.inputs.items())


def _show(run_id: str) -> None:
    st.query_params["run"] = run_id
    session.forget("run-step")


# --- one run ------------------------------------------------------------------------------------


def _one(past: PastRun) -> None:
    tint, word = STATUS[past.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All runs", icon=":material/arrow_back:", type="tertiary", on_click=_back)
        st.markdown(f"### {plain(past.name)}", anchors=False)
        st.markdown(f":{tint}-badge[{word}]")
        st.space("stretch")
        live = services().runner.get(past.id)
        if live and live.active:
            st.button("Stop", icon=":material/stop:", on_click=_stop, args=(past.id,))
        else:
            _offers(past)
    _refusals(past)
    notices()
    if past.status in ("waiting", "running"):
        show_questions(past.id, st.rerun)
    at = date(past.started_at, clock=True)
    of_run, *before = session.recall("run-before") or (past.id,)
    before = before if of_run == past.id else []
    shown = shown_of(services().history, past.id, tuple(before) or None)
    events = shown.events
    tokens = tokens_of(shown.last.get("tokens")) if shown.last else Tokens(past.tokens)
    st.caption(plain(" · ".join([at, *spent(past.seconds, tokens)])))
    left, right = st.columns([2, 1])
    with left:
        _turn_pages(past.id, shown)
        step = _stepper(events)
        seen = [*shown.known, *events[: step + 1]]
        key = f"{past.id}-{shown.first}-{step}"
        preview(past.flow, key=f"past-{key}", marks=statuses(seen), height=300)
        if events:
            _event(events[: step + 1], f"event:{key}")
    with right:
        if past.problem:
            fix = past.problem.get("fix", "")
            st.error(plain(past.problem.get("message", "")) + (f"\n\n{plain(fix)}" if fix else ""))
        for side, values in (("Inputs", past.inputs), ("Outputs", past.outputs)):
            if values:
                st.markdown(f"**{side}**")
            for name, value in values.items():
                st.caption(plain(name))
                show_value(value, f"{side}:{past.id}:{name}")
        st.markdown("**The same without the studio**")
        st.code(command(past), language="bash", wrap_lines=True)
    if past.status != "running":
        _compare(past)


def _compare(past: PastRun) -> None:
    """Beside the latest runs of the same flow."""
    from patchbay.studio.screens.compare import comparison

    owners = services().runner.owners()
    runs = services().history.runs(SHOWN)
    alike = [r for r in runs if r.name == past.name and r.id != past.id and _mine(r.id, owners)]
    comparison(past, [r for r in alike if r.status != "running"])


def _offers(past: PastRun) -> None:
    if past.status == "waiting":
        st.button(
            "Stop", icon=":material/stop:", on_click=stop_asking, args=(past.id,),
            help="Nobody is asked any more. It can be resumed.",
        )  # fmt: skip
    if past.status == "running":
        st.button(
            "Stop", icon=":material/stop:", on_click=stop_asking, args=(past.id,),
            help="It runs in another process, which stops it within a second. It can be resumed.",
        )  # fmt: skip
    if past.status in ("failed", "cancelled", "interrupted"):
        st.button(
            "Resume", icon=":material/resume:", on_click=_resume, args=(past,),
            help="Goes on where it stopped: what has finished is not done again.",
        )  # fmt: skip
    st.button(
        "Open in the editor", icon=":material/open_in_full:", key=f"watch:{past.id}",
        on_click=go, args=("editor",), kwargs={"run": past.id},
        help="The flow as it was, with every value; go through its time, and edit from there.",
    )  # fmt: skip
    st.button(
        "Run again", icon=":material/replay:", on_click=_again, args=(past,),
        help="Runs the flow as it was then, with the same inputs.",
    )  # fmt: skip
    if past.status != "running":
        st.button("Delete", type="tertiary", on_click=_delete, args=(past.id,))


def _turn_pages(run_id: str, shown: Shown) -> None:
    """Earlier and later events, where there are more than are shown at a time."""
    if shown.whole:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Earlier events",
            icon=":material/first_page:",
            on_click=_turn,
            args=(run_id, *shown.before),
            disabled=shown.first == 1,
        )
        st.button(
            "Last events",
            icon=":material/last_page:",
            on_click=_turn,
            args=(run_id,),
            disabled=shown.at_end,
        )
        st.caption(plain(shown.words))


def _turn(run_id: str, *before: int) -> None:
    session.remember("run-before", (run_id, *before))
    session.forget("run-step")


def _stepper(events: list[dict[str, Any]]) -> int:
    last = len(events) - 1
    if last < 1:
        return max(0, last)
    step: int = min(session.recall("run-step", last), last)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "",
            key="earlier",
            icon=":material/chevron_left:",
            on_click=_move,
            args=(step - 1, last),
            disabled=step == 0,
        )
        st.button(
            "",
            key="later",
            icon=":material/chevron_right:",
            on_click=_move,
            args=(step + 1, last),
            disabled=step == last,
        )
        # A new key for each step that a button takes: the browser would send the old one back.
        key = session.widget_key("run-slider", step)
        st.slider(
            "Event", 0, last, step, key=key, on_change=_slid, args=(key,),
            label_visibility="collapsed",
        )  # fmt: skip
    return step


def _move(to: int, last: int) -> None:
    session.remember("run-step", min(last, max(0, to)))


def _slid(key: str) -> None:
    if session.widget_gave("run-slider", key, st.session_state[key]):
        session.remember("run-step", st.session_state[key])


def statuses(events: list[dict[str, Any]]) -> dict[str, str]:
    """What the nodes are doing after these events; nodes inside sub-flows count for none."""
    progress = Progress(recorded=True)
    for recorded in events:
        if (event := event_of(recorded)) is not None:
            progress.take(event)
    return {node: step.status for node, step in progress.nodes.items() if "/" not in node}


def _event(events: list[dict[str, Any]], key: str) -> None:
    """The last of these events, with what led to it where an agent did something."""
    event = events[-1]
    words = event["type"].replace("_", " ")
    node = event.get("node")
    st.markdown(f"**{plain(words)}**" + (f" {plain(node)}" if node else ""))
    facts = spent(event.get("seconds"), tokens_of(event.get("tokens")))
    if facts and event["type"] != "node_stepped":
        st.caption(plain(" · ".join(facts)))
    for text in (
        event.get("reason"),
        event.get("message"),
        (event.get("problem") or {}).get("message"),
        (event.get("asks") or {}).get("title"),
        f"{event['author']}: {said(event['answer'])}" if "answer" in event else "",
        waiting_words(event["resource"], event["position"]) if "position" in event else "",
    ):
        if text:
            st.markdown(plain(text))
    if event["type"] in ("node_stepped", "node_finished", "node_failed"):
        show_trace([step_of(e) for e in _steps(events, node)][-STEPS:], f"{key}:trace")
    for side in ("inputs", "outputs"):
        for name, value in (event.get(side) or {}).items():
            st.caption(plain(name))
            show_value(value, f"{key}:{side}:{name}")


def _steps(events: list[dict[str, Any]], node: str | None) -> list[dict[str, Any]]:
    return [e for e in events if e["type"] == "node_stepped" and e.get("node") == node]


def _stop(run_id: str) -> None:
    services().runner.stop(run_id)


def _back() -> None:
    st.query_params.pop("run", None)


def _delete(run_id: str) -> None:
    services().history.delete(run_id)
    _back()


def _again(past: PastRun) -> None:
    """Run what was recorded, with what was recorded; show the new run."""
    try:
        _show(services().runner.again(past, session.browser()).id)
    except FlowError as error:
        session.remember("run-refused", (past.id, error.problems))


def _resume(past: PastRun) -> None:
    """Go on where it stopped."""
    try:
        _show(services().runner.resume(past, session.browser()).id)
    except FlowError as error:
        session.remember("run-refused", (past.id, error.problems))


def _refusals(past: PastRun) -> None:
    run_id, problems = session.recall("run-refused", ("", ()))
    session.forget("run-refused")
    for problem in problems if run_id == past.id else ():
        st.error(plain(f"{problem.message} {problem.fix}"))
