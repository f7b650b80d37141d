"""The runs page: what was run, with what, and how it went."""

from __future__ import annotations

import json
import shlex
import time
from typing import Any

import streamlit as st

from flows.history import PastRun
from flows.model import Flow
from flows.problems import FlowError
from nodes.values import TAG
from studio import session
from studio.preview import preview
from studio.services import services
from studio.values_view import gist, show_value
from studio.words import ago, count, duration, plain

STATUS = {
    "finished": ("green", "Finished"), "failed": ("red", "Failed"),
    "cancelled": ("gray", "Stopped"), "running": ("blue", "Running"),
    "interrupted": ("orange", "Interrupted"),
}  # fmt: skip
SHOWN = 100


def page() -> None:
    """Draw the page."""
    if name := session.recall("go"):
        session.forget("go")
        st.switch_page(session.recall("page:editor"), query_params={"flow": name})
    chosen = st.query_params.get("run")
    past = _past(chosen) if chosen else None
    if past is not None:
        _one(past)
    else:
        _all()


def _mine(run_id: str, owners: dict[str, str]) -> bool:
    """Runs of another person's browser are not shown; those from the command line are."""
    return owners.get(run_id, session.browser()) == session.browser()


def _past(run_id: str) -> PastRun | None:
    try:
        past = services().history.get(run_id)
    except FlowError:
        return None
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
    words = (wanted or "").casefold().split()
    runs = [
        p for p in runs if all(w in f"{p.name} {_inputs(p)} {p.status}".casefold() for w in words)
    ]
    if not runs:
        st.caption(
            "Nothing found." if words else "Nothing has been run yet. Open a flow and press Run."
        )
        return
    for past in runs:
        _row(past)


def _row(past: PastRun) -> None:
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
                facts.append(count(past.tokens, "token"))
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
        st.button("Run again", icon=":material/replay:", on_click=_again, args=(past,))
        st.button("Delete", type="tertiary", on_click=_delete, args=(past.id,))
    at = time.strftime("%-d %b %Y, %H:%M:%S", time.localtime(past.started_at))
    facts = [at, duration(past.seconds)] + ([count(past.tokens, "token")] if past.tokens else [])
    st.caption(plain(" · ".join(facts)))
    events = services().history.events(past.id)
    left, right = st.columns([2, 1])
    with left:
        step = _stepper(events)
        preview(
            past.flow, key=f"past-{past.id}-{step}", marks=statuses(events[: step + 1]), height=300
        )
        if events:
            _event(past.flow, events[step], f"event:{past.id}:{step}")
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


def _stepper(events: list[dict[str, Any]]) -> int:
    last = len(events) - 1
    if last < 1:
        return max(0, last)
    step: int = min(session.recall("run-step", last), last)
    st.session_state["run-step"] = step
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "",
            key="earlier",
            icon=":material/chevron_left:",
            on_click=_move,
            args=(-1, last),
            disabled=step == 0,
        )
        st.button(
            "",
            key="later",
            icon=":material/chevron_right:",
            on_click=_move,
            args=(1, last),
            disabled=step == last,
        )
        st.slider("Event", 0, last, key="run-step", label_visibility="collapsed")
    return step


def _move(by: int, last: int) -> None:
    st.session_state["run-step"] = min(last, max(0, st.session_state["run-step"] + by))


def statuses(events: list[dict[str, Any]]) -> dict[str, str]:
    """What the nodes are doing after these events; nodes inside sub-flows count for none."""
    found: dict[str, str] = {}
    for event in events:
        node = event.get("node")
        if not node or "/" in node:
            continue
        if event["type"] in ("node_started", "node_retrying"):
            found[node] = "running"
        elif event["type"] == "node_waiting":
            found[node] = "waiting"
        elif event["type"] == "node_finished":
            found[node] = "done" if event["source"] == "run" else "cached"
        elif event["type"] in ("node_skipped", "node_failed"):
            found[node] = event["type"].partition("_")[2]
    return found


def _event(flow: Flow, event: dict[str, Any], key: str) -> None:
    words = event["type"].replace("_", " ")
    node = event.get("node")
    st.markdown(f"**{plain(words)}**" + (f" {plain(node)}" if node else ""))
    if "seconds" in event:
        st.caption(duration(event["seconds"]))
    for text in (
        event.get("reason"),
        event.get("message"),
        (event.get("problem") or {}).get("message"),
    ):
        if text:
            st.markdown(plain(text))
    for side in ("inputs", "outputs"):
        for name, value in (event.get(side) or {}).items():
            st.caption(plain(name))
            show_value(value, f"{key}:{side}:{name}")


def command(past: PastRun) -> str:
    """The command line that runs the same. Says where the file is not known."""
    path = next(
        (e.path for e in services().library.own() if e.flow and e.flow.name == past.name
         and (past.folder is None or e.path.parent == past.folder)),
        None,
    )  # fmt: skip
    parts = ["patchbay", "run", shlex.quote(str(path) if path else "FLOW.json")]
    for name, value in past.inputs.items():
        parts += ["--input", shlex.quote(f"{name}={_as_argument(value)}")]
    for node in past.only:
        parts += ["--only", shlex.quote(node)]
    return " ".join(parts)


def _as_argument(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value.get(TAG) == "fileref":
        return str(value.get("path"))
    if (
        isinstance(value, list)
        and value
        and isinstance(value[0], dict)
        and value[0].get(TAG) == "document"
    ):
        sources = dict.fromkeys(str((d.get("metadata") or {}).get("source", "")) for d in value)
        return ",".join(sources)
    return json.dumps(value, ensure_ascii=False)


def _back() -> None:
    st.query_params.pop("run", None)


def _delete(run_id: str) -> None:
    services().history.delete(run_id)
    _back()


def _again(past: PastRun) -> None:
    """Run it as it was, under the flow file it came from where that is still there."""
    from studio.run_panel import start_with

    for entry in services().library.own():
        if entry.flow and entry.flow.name == past.name:
            document = services().documents.open(entry.path)
            inputs = {name: _given(value) for name, value in past.inputs.items()}
            start_with(document, inputs, only=past.only)
            session.open_flow(entry.name)
            session.remember("go", entry.name)
            session.remember(session.PANEL, "Run")
            return
    st.toast("The flow of this run is not among yours any more.")


def _given(value: Any) -> Any:
    if isinstance(value, dict) and value.get(TAG) == "fileref":
        return value.get("path")
    if (
        isinstance(value, list)
        and value
        and isinstance(value[0], dict)
        and value[0].get(TAG) == "document"
    ):
        return list(dict.fromkeys(str((d.get("metadata") or {}).get("source", "")) for d in value))
    return value
