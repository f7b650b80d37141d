"""What a node took and gave in this person's last run: first a line each, a value when asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.files import files_of
from patchbay.nodes.text.markdown import parse_markdown
from patchbay.nodes.written_files import files_in
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.inspector.sources import sources_of
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.runs.progress import NodeState
from patchbay.studio.runs.steps import by_role, spent
from patchbay.studio.server.questions import asked
from patchbay.studio.server.services import services
from patchbay.studio.views.documents import FEW, MANY
from patchbay.studio.views.figures import SHOWN_ROWS, unfit
from patchbay.studio.views.files import zipped
from patchbay.studio.views.live import title_of
from patchbay.studio.views.values import LONG, gist, looks_like_markdown, shape_of

CITES = re.compile(r"\[\d{1,3}\]")
GIST = 260
"""Characters of a line about a value."""
TEXT = 2_000_000
"""Characters of a text that a browser gets."""
MARKDOWN = 200_000
"""Characters up to which a text is parsed."""


def values_of(document: FlowDocument, browser: str, node: str) -> dict[str, Any]:
    """`run`, `status` of the node, and by `in` and `out` and port its `shape` and a `gist`.

    Empty where the flow has not been run, or the node had no part in it.
    """
    live = latest_of(document, browser)
    step = live.progress.nodes.get(node) if live else None
    if live is None or step is None:
        return {"run": "", "status": "", "in": {}, "out": {}}
    sides = {"in": live.inputs_of(node), "out": step.outputs}
    told = {side: sketched(values) for side, values in sides.items()}
    return {"run": live.id, "status": step.status, **told}


def sketched(values: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Values by name, each as its `shape` and a `gist`."""
    return {
        name: {"shape": shape_of(value), "gist": gist(value, GIST)}
        for name, value in values.items()
    }


def step_of(document: FlowDocument, browser: str, path: str) -> dict[str, Any]:
    """All that is told of a node of the last run, by its path: its `title`, and of what it did
    `run`, `status`, `facts` in words, `message`, `problem` (`message`, `fix`), `warnings`, the
    `steps` of its agents and what each of their `roles` spent, and what went `in` and `out`.

    Without a `status` where the node had no part in it; without a `run` where there is none.
    """
    live = latest_of(document, browser)
    if live is None:
        return {"run": "", "status": ""}
    step = live.progress.nodes.get(path)
    told: dict[str, Any] = {"run": live.id, "title": title_of(live, path), "status": ""}
    return told if step is None else told | told_step(live, path, step)


def told_step(live: LiveRun, path: str, step: NodeState) -> dict[str, Any]:
    """See `step_of`."""
    problem = step.problem or {}
    return {
        "status": step.status,
        "facts": spent(step.seconds, step.tokens),
        "message": step.message,
        "problem": {name: str(problem.get(name, "")) for name in ("message", "fix")}
        if step.problem
        else None,
        "warnings": step.warnings,
        "steps": step.steps,
        "roles": list(by_role(step.steps).items()),
        "in": sketched(live.inputs_of(path)),
        "out": sketched(step.outputs),
    }


def value_of(
    document: FlowDocument, browser: str, node: str, side: str, port: str, brief: bool = False
) -> dict[str, Any] | None:
    """A value in its stored form, and its `shape`; None where the run has none.

    Of a text that is Markdown also its parsed `words`; of one with numbers as in `[1]` the
    documents that they stand for, as `sources`; of messages and of Markdown files each
    one's `parts`; of a picture that a page must not show, why it is `unfit`; of what is cut, how
    much of it was `cut`.

    Args:
        document: the flow.
        browser: whose run it was.
        node: the node, by its path.
        side: `in` or `out`; `run` for an output of the run, `files` for what it has written so far.
        port: the port, or the name of the output.
        brief: only as much as a small place can show.
    """
    live = latest_of(document, browser)
    values = _side(live, node, side) if live else {}
    if live is None or port not in values:
        return None
    told = whole(values[port], brief)
    if told["shape"] == "text" and CITES.search(told["value"]):
        told |= _sources(live, node, side, port)
    return told


def _sources(live: LiveRun, node: str, side: str, port: str) -> dict[str, Any]:
    """What the numbers in a text stand for, if anything; nodes inside others have no wires here."""
    nodes = asked(live.flow).outputs.get(port, "") if side == "run" else node
    found = sources_of(live, [nodes]) if nodes and "/" not in nodes else []
    return {"sources": found} if found else {}


def _side(live: LiveRun, node: str, side: str) -> dict[str, Any]:
    if side == "run":
        return live.progress.outputs
    if side == "files":
        return {"files": files_so_far(live.id)}
    step = live.progress.nodes.get(node)
    if step is None:
        return {}
    return live.inputs_of(node) if side == "in" else step.outputs


def files_so_far(run: str) -> dict[str, str]:
    """The files of a run that has no outputs yet, or came to none; none where none is known."""
    try:
        return files_of(services().history, run)
    except FlowError:
        return {}


def archive_of(
    document: FlowDocument, browser: str, node: str, side: str, port: str
) -> bytes | None:
    """Files of a run in one archive; None where the value is no files."""
    live = latest_of(document, browser)
    value = _side(live, node, side).get(port) if live else None
    files = files_in(value)
    return zipped(files) if files else None


def whole(value: Any, brief: bool = False) -> dict[str, Any]:
    """A value in its stored form, with what a browser needs to draw it: see `value_of`."""
    shape = shape_of(value)
    shown, cut = _cut(value, shape, brief)
    told: dict[str, Any] = {"shape": shape, "value": shown} | ({"cut": cut} if cut else {})
    if shape == "text" and len(value) <= MARKDOWN and looks_like_markdown(value):
        told["words"] = parse_markdown(shown)
    elif shape == "messages":
        told["parts"] = [_parts(str(message.get("content", ""))) for message in shown]
    elif shape == "files":
        told["parts"] = {p: _parts(text) for p, text in value.items() if p.endswith(".md")}
    elif shape == "picture" and (why := unfit(value)):
        told |= {"value": {"media": "", "data": ""}, "unfit": why}
    return told


def _cut(value: Any, shape: str, brief: bool) -> tuple[Any, int]:
    """What a browser gets of a value, and how many of its characters, rows or items it does not."""
    if shape == "text":
        most = LONG if brief else TEXT
        return value[:most], max(0, len(value) - most)
    if brief and shape == "table":
        rows = value.get("rows") or []
        return {**value, "rows": rows[:SHOWN_ROWS]}, max(0, len(rows) - SHOWN_ROWS)
    if brief and isinstance(value, list):
        most = FEW if shape in ("documents", "texts") else MANY
        return value[:most], max(0, len(value) - most)
    return value, 0


def _parts(text: str) -> list[Any]:
    return parse_markdown(text) if len(text) <= MARKDOWN else [{"is": "text", "text": text}]


def latest_of(document: FlowDocument, browser: str) -> LiveRun | None:
    """This person's last run of the flow, as far as any process has brought it."""
    live = services().runner.latest(document.id, browser)
    if live is not None:
        services().runner.catch_up(live)
    return live
