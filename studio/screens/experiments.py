"""The experiments page: variants of a flow over cases, as a grid that fills while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from patchbay.flows.document.operations import Batch, SetParams
from patchbay.flows.experiments.checking import OutputCheck
from patchbay.flows.experiments.judging import read_any_check
from patchbay.flows.experiments.keeping import KeptCells, read_object
from patchbay.flows.experiments.plan import (
    SUMMARY,
    ExperimentPlan,
    experiment_of,
    known_experiments,
    read_plan,
    write_plan,
)
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.wording import plural
from patchbay.nodes.units import ago, duration, timestamp
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.panels.cases import cases_editor
from patchbay.studio.panels.checks import checks_editor
from patchbay.studio.panels.grid import show_cases, show_grid
from patchbay.studio.panels.rating import rating_page
from patchbay.studio.panels.variants import axes_editor
from patchbay.studio.plain_text import plain
from patchbay.studio.runs.experiments import LiveExperiment, experiment_for
from patchbay.studio.server import session
from patchbay.studio.server.environments import USUAL, chosen_environment
from patchbay.studio.server.questions import asked
from patchbay.studio.server.services import services
from patchbay.studio.server.wished_page import open_in_editor
from patchbay.studio.views.figures import show_table
from patchbay.studio.views.problems import list_problems, show_problems

STATES = {
    "running": ("blue", "Running"), "finished": ("green", "Finished"),
    "stopped": ("gray", "Stopped"), "failed": ("red", "Failed"),
}  # fmt: skip


def page() -> None:
    """Draw the page."""
    flow, name = st.query_params.get("flow"), st.query_params.get("experiment")
    if name and not _mine(KeptCells(name)):
        st.markdown("#### There is no such experiment", anchors=False)
        st.markdown("Another browser began it, and has not shared it.")
        st.button("All experiments", icon=":material/arrow_back:", on_click=_back)
    elif name and st.query_params.get("rate"):
        _rate(KeptCells(name))
    elif name:
        _of_name(name)
    elif flow and (path := services().library.path(flow)):
        _one(path, experiment_for(flow, session.browser()))
    else:
        _all()


def _mine(kept: KeptCells) -> bool:
    """Those of another person's browser are not shown, unless they are shared; those from the
    command line are."""
    return kept.owner in ("", session.browser())


def _all() -> None:
    st.markdown("## Experiments", anchors=False)
    st.caption(
        "Which variant of a flow is better, by how much, and how sure that is. Open a flow and "
        "press *Try variants* to begin one."
    )
    found = [one for one in known_experiments() if _mine(KeptCells(one.name))]
    if not found:
        st.caption("Nothing has been tried yet.")
    for one in found:
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(width=260):
                st.markdown(f"**{plain(one.name)}**")
            with st.container(width="stretch"):
                st.caption(plain(_said_of(one.plan)))
            with st.container(width=130):
                st.caption(plain(ago(one.changed)))
            st.button("Open", key=f"open:{one.name}", on_click=_show, args=(one.name,))


def _said_of(plan: ExperimentPlan | None) -> str:
    if plan is None:
        return ""
    axes = " × ".join(f"{len(axis.values)} {axis.param}" for axis in plan.axes)
    return ", ".join(filter(None, [axes, Path(plan.cases).stem, " and ".join(plan.checks)]))


def _show(name: str) -> None:
    st.query_params["experiment"] = name


def _of_name(name: str) -> None:
    kept = KeptCells(name)
    plan = read_plan(kept)
    path = Path(plan.flow) if plan and plan.flow else services().library.path(name)
    if path is None or not path.is_file():
        _head(kept, None)
        st.warning("The flow of this experiment is gone. What was found is below.")
        _results(kept, None, plan.checks if plan else ())
        return
    _one(path, kept)


def _rate(kept: KeptCells) -> None:
    """What people think of the answers."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("Back to the grid", icon=":material/arrow_back:", type="tertiary",
                  on_click=_rating, args=(kept.name, False))  # fmt: skip
        st.markdown(f"### Rate the answers of {plain(kept.name)}", anchors=False)
    summary = kept.read(SUMMARY)
    if not summary or not summary.get("rows"):
        st.caption("There are no answers yet. Run the experiment first.")
        return
    rating_page(summary, kept, f"rate-{session.short_key(kept.name)}")


def _rating(name: str, on: bool) -> None:
    st.query_params["experiment"] = name
    if on:
        st.query_params["rate"] = "1"
    else:
        st.query_params.pop("rate", None)  # pressed twice, it is gone already


def _head(kept: KeptCells, path: Path | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("All experiments", icon=":material/arrow_back:", type="tertiary", on_click=_back)
        st.markdown(f"### {plain(kept.name)}", anchors=False)
        st.space("stretch")
        if kept.read(SUMMARY):
            st.button("Rate the answers", icon=":material/thumbs_up_down:", type="tertiary",
                      on_click=_rating, args=(kept.name, True))  # fmt: skip
        if kept.owner == session.browser():
            st.button("Share", icon=":material/group:", type="tertiary", on_click=_share,
                      args=(kept,), help="Others of this studio do not see it yet. Shared, they "
                      "can look at it, rate its answers, and go on with it.")  # fmt: skip
        own = path is not None and services().library.path(path.stem) == path
        if path is not None and own:
            st.button("Open the flow", icon=":material/edit:", type="tertiary",
                      on_click=open_in_editor, args=(path.stem,))  # fmt: skip


def _share(kept: KeptCells) -> None:
    try:
        kept.give_to("")
    except FlowError as error:
        key = f"exp-{session.short_key(kept.name)}"
        session.remember(f"{key}:refused", error.problems)


def _back() -> None:
    st.query_params.clear()


# --- one ------------------------------------------------------------------------------------------


def _one(path: Path, kept: KeptCells) -> None:
    try:
        document = services().documents.open(path)
    except FlowError as error:
        _head(kept, path)
        st.error(f"{plain(path.name)} cannot be opened.")
        list_problems(error.problems, 8)
        plan = read_plan(kept)
        _results(kept, None, plan.checks if plan else ())
        return
    _head(kept, path)
    left, right = st.columns([2, 5], gap="medium")
    with left:
        plan = _setup(document, kept)
    with right:
        _board(document, kept, plan)


def _setup(document: FlowDocument, kept: KeptCells) -> ExperimentPlan:
    """What is varied, over which cases, and how it is scored."""
    key = f"exp-{session.short_key(kept.name)}"
    before = session.once(f"{key}:plan", lambda: read_plan(kept) or ExperimentPlan())
    flow = document.flow
    st.markdown("**Vary**")
    axes = axes_editor(flow, before.axes, key)
    st.markdown("**Over these cases**")
    cases = cases_editor(flow, document.path, before.cases, f"{key}-cases")
    st.markdown("**Scored by**")
    outputs = list(asked(flow).outputs)
    output = before.output if before.output in outputs else ""
    if len(outputs) > 1:
        output = st.selectbox("Output", outputs, outputs.index(output) if output else 0,
                              key=f"{key}:output") or ""  # fmt: skip
    checks = checks_editor(before.checks, document.folder, key)
    jobs = st.slider("Runs side by side", 1, 32, min(32, before.jobs), key=f"{key}:jobs")
    return ExperimentPlan(
        flow=str(document.path), cases=cases, expected=before.expected, output=output, axes=axes,
        checks=checks, jobs=jobs,
    )  # fmt: skip


def _board(document: FlowDocument, kept: KeptCells, plan: ExperimentPlan) -> None:
    """The buttons, the grid, and what is behind it; drawn anew by itself while it runs."""
    live = services().experiments.get(kept.name)
    running = live is not None and live.state == "running"
    st.fragment(run_every=1.0 if running else None)(_watched)(document, kept, plan)


def _watched(document: FlowDocument, kept: KeptCells, plan: ExperimentPlan) -> None:
    key = f"exp-{session.short_key(kept.name)}"
    live = services().experiments.get(kept.name)
    _buttons(document, kept, plan, live, key)
    drawn = session.recall(f"{key}:drawn")
    state = live.state if live else ""
    session.remember(f"{key}:drawn", state)
    if (drawn == "running") != (state == "running") and drawn is not None:
        st.rerun()  # it is drawn anew each second while it runs, and only then
    show_problems(session.recall(f"{key}:refused", ()))
    if told := session.recall(f"{key}:told"):
        st.success(plain(told))
    if live is not None and live.why:
        st.error(plain(live.why))
    _results(kept, live, plan.checks, document)


def _buttons(
    document: FlowDocument, kept: KeptCells, plan: ExperimentPlan, live: LiveExperiment | None,
    key: str,
) -> None:  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{key}-bar"):
        if live is not None and live.state == "running":
            st.button("Stop", key="exp-stop", icon=":material/stop:", type="primary",
                      on_click=services().experiments.stop, args=(kept.name,))  # fmt: skip
            total = live.experiment.total
            left = live.seconds_left()
            words = f"{live.done:,} of {total:,}"
            words += f" · about {duration(left)} left" if left is not None else ""
            st.progress(min(1.0, live.done / total) if total else 0.0, words)
        else:
            count = 1
            for axis in plan.axes:
                count *= len(axis.values)
            label = "Go on" if live is not None and live.state == "stopped" else "Run"
            st.button(label, key="exp-run", icon=":material/play_arrow:", type="primary",
                      on_click=_start, args=(document, kept, plan, key))  # fmt: skip
            st.caption(f"{plural(count, 'variant')}; only what is missing is run.")
        if live is not None:
            tint, word = STATES[live.state]
            st.markdown(f":{tint}-badge[{word}]")


def _start(document: FlowDocument, kept: KeptCells, plan: ExperimentPlan, key: str) -> None:
    session.forget(f"{key}:refused")
    session.forget(f"{key}:told")
    chosen = chosen_environment(document)
    variables = "" if chosen == USUAL else chosen
    try:
        made = experiment_of(
            plan, document.flow, document.folder, services().catalog, kept, variables
        )
        if read_plan(kept) is None and not kept.count():  # begun here: it is this person's
            kept.give_to(session.browser())
        write_plan(kept, plan)
        session.remember(f"{key}:plan", plan)  # what the fields begin with when one comes back
        services().experiments.start(made, variables)
    except FlowError as error:
        session.remember(f"{key}:refused", error.problems)


def _results(
    kept: KeptCells,
    live: LiveExperiment | None,
    checks: Sequence[str],
    document: FlowDocument | None = None,
) -> None:
    key = f"exp-{session.short_key(kept.name)}"
    summary = live.summary() if live is not None else kept.read(SUMMARY)
    if not summary or not summary.get("rows"):
        st.caption(
            "The grid will show here: a row for each variant, with its score, how sure it is, and "
            "what it costs. Say what varies, give cases, and press Run."
        )
        return

    def use(variant: str) -> None:
        if document is not None:
            _use(document, summary, variant, key)

    show_grid(summary, key, use if document is not None else None)
    for line in summary["said"]:
        st.markdown(f"- {plain(line)}")
    if summary.get("refused"):
        st.warning(f"Some answers were not judged. {plain(summary['refused'])}")
    folder = document.folder if document is not None and document.folder else Path.cwd()
    show_cases(summary, _checks(summary["checks"], folder, summary), kept, key)
    _over_time(kept, key)


def _checks(names: Sequence[str], folder: Path, summary: Mapping[str, Any]) -> list[OutputCheck]:
    from patchbay.flows.experiments.judging import bound

    found = []
    for name in names:
        try:
            found.append(bound(read_any_check(name, folder), summary["variants"][0]["key"]))
        except FlowError:
            continue  # its file is gone: what it said is in the grid
    return found


def _use(document: FlowDocument, summary: Mapping[str, Any], variant: str, key: str) -> None:
    """Write a variant into the flow, as one edit."""
    from patchbay.flows.document.edit import EditError

    chosen = next(one for one in summary["variants"] if one["key"] == variant)
    ops = [SetParams(node=node, params=params) for node, params in chosen["changes"].items()]
    try:
        document.apply(Batch(ops=tuple(ops)), client=session.client())
    except EditError as error:
        session.remember(f"{key}:refused", (Problem("experiment/use", str(error), ""),))
        return
    document.save()
    told = f"{chosen['name']} is in the flow now. Undo in the editor takes it back."
    session.remember(f"{key}:told", told)


def _over_time(kept: KeptCells, key: str) -> None:
    """What was found each time, the latest first."""
    files = kept.results()
    if len(files) < 2:
        return
    with st.expander(f"Over time: {plural(len(files), 'result')}", key=f"{key}:time",
                     on_change="rerun") as fold:  # fmt: skip
        if not fold.open:
            return
        rows = []
        for path in reversed(files[-50:]):
            for one in (read_object(path) or {}).get("variants", ()):
                known = one.get("interval")
                rows.append([
                    timestamp(int(path.stem) * 1e-9), one["name"], one["check"],
                    round(known["mean"], 3) if known else None,
                    f"{known['low']:.3f} … {known['high']:.3f}" if known else "",
                    round(one["seconds"], 3), round(one["tokens"], 1),
                ])  # fmt: skip
        columns = ["when", "variant", "check", "score", "95% interval", "seconds", "tokens"]
        show_table({"columns": columns, "rows": rows}, f"{key}:over-time")
