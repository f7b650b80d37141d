"""The Run tab: a form from the flow's inputs, and the latest run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from patchbay.flows.document.model import Flow
from patchbay.flows.document.variables import environments, usual_environment
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.contract import InputField
from patchbay.nodes.private import private_file, private_folder
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.inspector import starting
from patchbay.studio.inspector.pinning import plan_words
from patchbay.studio.lenient_json import parse_loose
from patchbay.studio.panels.questions import notices, show_questions, stop_asking
from patchbay.studio.runs.progress import NodeState
from patchbay.studio.runs.runner import LiveRun
from patchbay.studio.runs.steps import spent
from patchbay.studio.server import session
from patchbay.studio.server.editing import Refresh
from patchbay.studio.server.environments import (
    USUAL,
    choose_environment,
    chosen_environment,
)
from patchbay.studio.server.questions import asked
from patchbay.studio.server.services import services
from patchbay.studio.views.files import show_files_of
from patchbay.studio.views.live import follow, title_of
from patchbay.studio.views.memory import memory_of
from patchbay.studio.views.problems import show_problems
from patchbay.studio.views.trace import show_trace
from patchbay.studio.views.values import gist, show_value
from patchbay.studio.words import plain

if TYPE_CHECKING:
    from patchbay.flows.runs.thread_runs import InThread

WORDS = {
    "finished": "Finished", "failed": "Failed", "cancelled": "Stopped",
    "waiting": "Waits for an answer", "elsewhere": "Goes on elsewhere",
    "interrupted": "Interrupted",
}  # fmt: skip
TINTS = {
    "finished": "green", "failed": "red", "cancelled": "gray", "waiting": "orange",
    "elsewhere": "blue", "interrupted": "orange",
}  # fmt: skip
FILES = ("file", "documents")
MARKS = {"done": "✓", "cached": "✓", "failed": "✕", "skipped": "–", "cancelled": "–", "asking": "?"}


def run_panel(document: FlowDocument, live: LiveRun | None, refresh: Refresh) -> None:
    """Draw the tab. `refresh` reruns what depends on the run; for callbacks."""
    _environment(document)
    _form(document, live, refresh)
    show_refusals(document)
    if live is not None:
        show_run(document, live, refresh)
    else:
        st.caption("The answer, and what every node gave, will show here.")


def _environment(document: FlowDocument) -> None:
    """Whose values the flow's variables have, where there is a choice."""
    known = environments(document.flow)
    if not known:
        return
    options = [USUAL, *known]
    chosen = chosen_environment(document)
    key = _key(document, "environment")
    st.selectbox(
        "Run for the environment", options, options.index(chosen) if chosen in options else 0,
        key=key, on_change=lambda: choose_environment(document, st.session_state[key]),
        help="Whose values the variables have in runs from here. Elsewhere: `--env NAME`, or "
        "PATCHBAY_ENV.",
    )  # fmt: skip
    try:
        here = usual_environment()
    except FlowError as error:
        show_problems(error.problems)
        return
    if here:
        st.caption(f"This machine is {plain(here)}.")


# --- starting: for this browser, see `inspector/starting.py` -------------------------------------


def start(document: FlowDocument, *, only: tuple[str, ...] = (), fresh: str | None = None) -> bool:
    """Start the flow with what stands in its form. False if it cannot; the reasons are kept."""
    return starting.start(document, session.browser(), only=only, fresh=fresh)


def start_with(
    document: FlowDocument, inputs: dict[str, Any], *, thread: InThread | None = None
) -> bool:
    """Likewise, with these inputs, and as a turn of a conversation where a thread is given."""
    return starting.start(document, session.browser(), inputs, thread=thread)


def refusals(document: FlowDocument) -> tuple[Problem, ...]:
    """Why the flow, as it is now, was not started when somebody tried."""
    return starting.refusals(document, session.browser())


def show_refusals(document: FlowDocument) -> None:
    """Say why the flow was not started, each reason with its place."""
    show_problems(refusals(document))


def latest(document: FlowDocument) -> LiveRun | None:
    """This person's latest run of the flow."""
    return starting.latest(document, session.browser())


def stop(document: FlowDocument) -> None:
    """Stop it."""
    starting.stop(document, session.browser())


def form_values(document: FlowDocument) -> dict[str, Any]:
    """What stands in the form, for inputs that were touched; the rest has defaults."""
    return starting.form_values(document, session.browser())


def missing(document: FlowDocument) -> list[str]:
    """Inputs that must be given and have no value yet."""
    return starting.missing(document, session.browser())


def _key(document: FlowDocument, what: str) -> str:
    return f"run:{document.id}:{what}"


# --- the form -----------------------------------------------------------------------------------


def _form(document: FlowDocument, live: LiveRun | None, refresh: Refresh) -> None:
    fields = asked(document.flow).inputs
    for field in fields:
        _field(document, field, refresh)
    if not fields and document.flow.nodes:
        st.caption("This flow asks for nothing.")
    active = live is not None and live.active

    def go() -> None:
        start(document)
        refresh()

    def halt() -> None:
        stop(document)
        refresh()

    for words in (memory_of(document), plan_words(document)):
        if words:
            st.caption(plain(words))
    if active:
        st.button("Stop", key="panel-stop", on_click=halt, width="stretch", icon=":material/stop:")
    else:
        st.button(
            "Run", key="panel-run", on_click=go, type="primary", width="stretch",
            icon=":material/play_arrow:", disabled=not document.flow.nodes,
        )  # fmt: skip


def _field(document: FlowDocument, field: InputField, refresh: Refresh) -> None:
    form = services().forms.of(document.id, session.browser())
    kept = form.values
    value = _shown(field, kept.get(field.name, field.default))
    name = _key(document, f"field:{field.name}:{field.kind}")
    key = session.widget_key(name, value)
    label = plain(field.name) + (" *" if field.required else "")

    def keep(given: Any) -> None:
        if field.kind in FILES or session.widget_gave(name, key, _shown(field, given)):
            kept[field.name] = given
            form.refused = (-1, ())
            refresh()

    if field.kind == "number":
        st.number_input(
            label, value=value, key=key, step=1.0, format="%g",
            on_change=lambda: keep(st.session_state[key]),
        )  # fmt: skip
    elif field.kind == "choice":
        options = list(field.choices)
        st.selectbox(
            label, options, options.index(value) if value in options else None, key=key,
            format_func=str, on_change=lambda: keep(st.session_state[key]),
        )  # fmt: skip
    elif field.kind in FILES:
        _upload(field, key, label, keep)
    else:
        json_kind = field.kind in ("json", "messages")
        st.text_area(
            label, value, key=key, height=120 if json_kind else 92,
            on_change=lambda: keep(_given(st.session_state[key], json_kind)),
        )  # fmt: skip
    if field.description:
        st.caption(plain(field.description))


def _shown(field: InputField, value: Any) -> Any:
    """What the widget of an input shows for a value."""
    if field.kind in FILES:
        return None
    if value is None:
        return None if field.kind in ("number", "choice") else ""
    if field.kind == "number":
        try:
            return float(value)
        except (TypeError, ValueError):
            return None
    if field.kind == "choice":
        return value if value in field.choices else None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _given(typed: str, json_kind: bool) -> Any:
    if not json_kind:
        return typed
    value, error = parse_loose(typed)
    return typed if error else value


def _upload(field: InputField, key: str, label: str, keep: Callable[[Any], None]) -> None:
    """A file that is uploaded is kept in the home folder, so that a run can be repeated."""
    many = field.kind == "documents"

    def uploaded() -> None:
        given = st.session_state[f"{key}:upload"]
        files = given if isinstance(given, list) else [given] if given else []
        paths = [_store(file.name, file.getvalue()) for file in files]
        keep(None if not paths else paths if many and len(paths) > 1 else paths[0])

    st.file_uploader(
        label, key=f"{key}:upload", accept_multiple_files=many, on_change=uploaded,
        help=field.description,
    )  # fmt: skip
    if field.default:
        st.caption(f"Without one: {plain(gist(field.default))}")


def _store(name: str, data: bytes) -> str:
    import hashlib

    from patchbay.studio.documents.library import slug

    folder = services().home / "uploads" / hashlib.sha256(data).hexdigest()[:12]
    private_folder(folder)
    stem, _, ending = name.rpartition(".")
    path = folder / (f"{slug(stem)}.{slug(ending)}" if stem else slug(name))
    private_file(path).write_bytes(data)
    return str(path)


# --- a run --------------------------------------------------------------------------------------


def show_run(document: FlowDocument, live: LiveRun, refresh: Refresh) -> None:
    """The run: as it happens, or what it gave."""
    progress = live.progress
    services().runner.catch_up(live)
    notices()
    if live.active:
        show_questions(live.id, refresh, progress.questions)
        follow(document, live, f"follow:{live.id}")
        return
    facts = spent(progress.seconds, progress.tokens)
    badge = f":{TINTS[progress.status]}-badge[{WORDS[progress.status]}]"
    st.markdown(f"{badge} {plain(' · '.join(facts))}")
    if progress.status == "waiting":
        show_questions(live.id, refresh, progress.questions)
        st.button(
            "Stop", key=f"stop:{live.id}", icon=":material/stop:", on_click=_stop_asking,
            args=(live.id, refresh), help="Nobody is asked any more. It can be resumed.",
        )  # fmt: skip
    elif progress.status == "elsewhere":
        st.caption("It was answered elsewhere and goes on in another process.")
        st.button("Look again", key=f"look:{live.id}", on_click=refresh)
    for warning in progress.warnings:
        st.warning(plain(warning))
    if progress.problem:
        _show_failure(live, refresh)
    notes = _notes(live.flow)
    for name, value in progress.outputs.items():
        st.markdown(f"**{plain(name)}**")
        show_value(value, f"out:{live.id}:{name}")
        if notes.get(name):
            st.caption(plain(notes[name]))
    if progress.status != "finished":
        show_files_of(live.id)
    if progress.status == "finished" and not progress.outputs:
        st.caption("The run has finished without an output: its branch was not taken.")
    st.markdown("**Steps**")
    with st.container(gap="xsmall"):
        for path, step in ordered(live):
            _step(live, path, step)


def _stop_asking(run: str, refresh: Refresh) -> None:
    stop_asking(run)
    refresh()


def _notes(flow: Flow) -> dict[str, str]:
    """What the flow says of each of its outputs, by name: it stands beside the answer."""
    params = {node.id: node.params for node in flow.nodes}
    return {
        name: str(params[node].get("description", "")) for name, node in asked(flow).outputs.items()
    }


def ordered(live: LiveRun) -> list[tuple[str, NodeState]]:
    """The steps of a run, nodes in document order with the steps inside them after each."""
    place = {node.id: index for index, node in enumerate(live.flow.nodes)}
    return sorted(
        live.progress.nodes.items(),
        key=lambda item: (place.get(item[0].partition("/")[0], len(place)), item[0]),
    )


def _show_failure(live: LiveRun, refresh: Refresh) -> None:
    problem = live.progress.problem or {}
    node = problem.get("node")
    where = f"**{plain(title_of(live, node))}** " if node else ""
    fix = f"\n\n{plain(problem['fix'])}" if problem.get("fix") else ""
    st.error(f"{where}{plain(problem.get('message', ''))}{fix}")
    if node:
        st.button("Show the node", key="show-failed", on_click=_reveal, args=(node, refresh))
    went_in = live.inputs_of(node) if node else {}
    for port, value in went_in.items():
        with st.expander(f"What went in: {plain(port)}"):
            show_value(value, f"in:{live.id}:{node}:{port}")


def _reveal(path: str, refresh: Refresh) -> None:
    session.reveal(path.partition("/")[0])
    refresh()


def _step(live: LiveRun, path: str, step: NodeState) -> None:
    facts = spent(step.seconds, step.tokens)
    if step.status == "cached":
        facts.append("cached")
    mark = MARKS.get(step.status, "·")
    indent = "&emsp;" * path.count("/")
    label = f"{indent}{mark} {plain(title_of(live, path))} :gray[{plain(' · '.join(facts))}]"
    if not (step.outputs or step.message or step.warnings or step.steps):
        st.markdown(label)
        return
    with st.expander(label, key=f"fold:{live.id}:{path}", on_change="rerun") as fold:
        if not fold.open:
            return  # nor sent: a run may have given a lot
        if step.message:
            (st.error if step.status == "failed" else st.caption)(plain(step.message))
        for warning in step.warnings:
            st.warning(plain(warning))
        show_trace(step.steps, f"trace:{live.id}:{path}")
        for port, value in step.outputs.items():
            st.caption(plain(port))
            show_value(value, f"step:{live.id}:{path}:{port}")
