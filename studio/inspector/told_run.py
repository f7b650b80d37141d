"""A person's latest run as a browser shows it: how it ended, what it gave, what every node did."""

from __future__ import annotations

from typing import Any

from patchbay.flows.checks.inside import in_order
from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.inbox import OpenQuestion
from patchbay.flows.wording import plural
from patchbay.nodes.values import encode
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.inspector.values import files_so_far, latest_of, sketched, whole
from patchbay.studio.runs import answering
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.runs.progress import NodeState
from patchbay.studio.runs.steps import spent
from patchbay.studio.server.questions import asked
from patchbay.studio.server.services import services
from patchbay.studio.views.live import title_of, titles_of

ENDED = ("finished", "failed", "cancelled", "waiting", "elsewhere", "interrupted")


def run_of(document: FlowDocument, browser: str) -> dict[str, Any]:
    """The latest run of a flow.

    Returns:
        Nothing where there is none. Else its `id` and `status`, the `titles` of its nodes (path and
        title, in the order of the flow, with those inside them), the `questions` that wait (see
        `told_question`); and of one that is not at work: `facts` in words, all `warnings`, the
        `problem` that ended it, its `outputs` and `steps`, whether it has `files` of its own.
    """
    live = latest_of(document, browser)
    if live is None:
        return {}
    progress = live.progress
    told: dict[str, Any] = {
        "id": live.id,
        "status": progress.state,
        "titles": list(titles_of(live).items()),
        "questions": _questions(live),
    }
    if live.active:
        return told
    return told | {
        "facts": spent(progress.seconds, progress.tokens),
        "warnings": _warnings(live),
        "problem": _problem(live),
        "outputs": _outputs(live),
        "files": bool(progress.status != "finished" and files_so_far(live.id)),
        "steps": [_line(live, path, step) for path, step in ordered(live)],
    }


MOST_WARNINGS = 12
"""Warnings that are told of a run as a whole; all of them stand at their steps."""


def _warnings(live: LiveRun) -> list[str]:
    """What the person should know, of the run and of its steps, which lie folded, by title."""
    named = [
        f"{title_of(live, path)}: {words}"
        for path, step in ordered(live)
        for words in step.warnings
    ]
    said = list(dict.fromkeys([*live.progress.warnings, *named]))
    rest = len(said) - MOST_WARNINGS
    return said if rest <= 0 else [*said[:MOST_WARNINGS], f"{plural(rest, 'more warning')}."]


def _problem(live: LiveRun) -> dict[str, Any] | None:
    """Why it failed: `node` (its path, "" for none), `title`, `message`, `fix`, and what went
    `in`."""
    problem = live.progress.problem
    if not problem:
        return None
    node = str(problem.get("node") or "")
    return {
        "node": node,
        "title": title_of(live, node) if node else "",
        "message": str(problem.get("message", "")),
        "fix": str(problem.get("fix", "")),
        "in": list(live.inputs_of(node)) if node else [],
    }


def _outputs(live: LiveRun) -> list[dict[str, str]]:
    """What the run gave: `name`, `shape` and `gist`, the output's `node`, and a `note` that the
    flow has on it."""
    nodes, notes = asked(live.flow).outputs, _notes(live.flow)
    return [
        {"name": name, "node": nodes.get(name, ""), "note": notes.get(name, ""), **sketch}
        for name, sketch in sketched(live.progress.outputs).items()
    ]


def _notes(flow: Flow) -> dict[str, str]:
    params = {node.id: node.params for node in flow.nodes}
    return {
        name: str(params[node].get("description", "")) for name, node in asked(flow).outputs.items()
    }


def ordered(live: LiveRun) -> list[tuple[str, NodeState]]:
    """The steps of a run, nodes in document order with the steps inside them after each."""
    place = {node.id: index for index, node in enumerate(live.flow.nodes)}
    return sorted(
        live.progress.nodes.items(),
        key=lambda item: (place.get(item[0].partition("/")[0], len(place)), in_order(item[0])),
    )


def _line(live: LiveRun, path: str, step: NodeState) -> dict[str, Any]:
    """A step in a line; what more there is of it is asked for when it is unfolded (`more`)."""
    facts = spent(step.seconds, step.tokens)
    return {
        "path": path,
        "title": title_of(live, path),
        "status": step.status,
        "facts": [*facts, "cached"] if step.status == "cached" else facts,
        "more": bool(step.outputs or step.message or step.warnings or step.steps),
    }


# --- questions ------------------------------------------------------------------------------------


def _questions(live: LiveRun) -> list[dict[str, Any]]:
    """The open questions of a run; nothing is looked up where it has asked none."""
    if not live.progress.questions and not (live.resumed and live.active):
        return []
    return [told_question(one) for one in services().history.inbox.open(live.id)]


def told_question(asked_: OpenQuestion) -> dict[str, Any]:
    """A question as a browser draws it.

    Returns:
        `question` (its id), `run`, `title`, `whom`, `until` (Unix time in seconds, or None),
        `wants` (its `kind` and what belongs to it), the `value` to look at, and how
        it is `shown`. Where it cannot be read, `wrong` says why.
    """
    told: dict[str, Any] = {
        "question": asked_.id,
        "run": asked_.run,
        "title": asked_.title,
        "whom": asked_.whom,
        "until": asked_.until,
        "wants": asked_.asks["wants"],
        "value": None,
        "shown": None,
    }
    try:
        question = asked_.question(services().catalog.value_types)
    except ValueError as error:
        return told | {"wrong": str(error)}
    if question.value is not None:
        value = encode(question.value)
        told |= {"value": value, "shown": whole(value, brief=True)}
    return told


def answer(document: FlowDocument, browser: str, given: dict[str, Any]) -> dict[str, Any]:
    """Answer a question of the latest run, with what `runs.answering.take` is given.

    Returns:
        What is `said` of an answer that was not taken, "" where it was; and whether somebody was
        faster (`late`).
    """
    from patchbay.flows.runs.inbox import AlreadyAnsweredError

    live = latest_of(document, browser)
    if live is None:
        return {"said": "This run is not here any more. Its questions are in the inbox.", "late": 1}
    try:
        answering.take(services().runner, live.id, given, browser)
    except FlowError as error:
        said = " ".join(f"{problem.message} {problem.fix}" for problem in error.problems)
        return {"said": said, "late": isinstance(error, AlreadyAnsweredError)}
    return {"said": "", "late": False}


def stop_run(document: FlowDocument, browser: str) -> dict[str, Any]:
    """Stop the latest run, at work or waiting. What cannot be is `said`."""
    live = latest_of(document, browser)
    try:
        if live is not None:
            services().runner.stop(live.id)
    except FlowError as error:
        return {"said": " ".join(f"{problem.message} {problem.fix}" for problem in error.problems)}
    return {"said": ""}
