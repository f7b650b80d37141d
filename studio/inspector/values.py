"""What a node took and gave in this person's last run: first a line each, a value when asked."""

from __future__ import annotations

from typing import Any, Literal

from patchbay.nodes.text.markdown import parse_markdown
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.runs.runner import LiveRun
from patchbay.studio.server.services import services
from patchbay.studio.views.figures import unfit
from patchbay.studio.views.values import gist, looks_like_markdown, shape_of

Side = Literal["in", "out"]

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
    live = _latest(document, browser)
    step = live.progress.nodes.get(node) if live else None
    if live is None or step is None:
        return {"run": "", "status": "", "in": {}, "out": {}}
    sides = {"in": live.inputs_of(node), "out": step.outputs}
    sketched = {
        side: {
            port: {"shape": shape_of(value), "gist": gist(value, GIST)}
            for port, value in values.items()
        }
        for side, values in sides.items()
    }
    return {"run": live.id, "status": step.status, **sketched}


def value_of(
    document: FlowDocument, browser: str, node: str, side: str, port: str
) -> dict[str, Any] | None:
    """A value in its stored form, and its `shape`; None where the run has none.

    Of a text that is Markdown also its parsed `words`; of a picture that a page must not show, why
    it is `unfit`; of a text that is cut, how many characters were `cut`.
    """
    live = _latest(document, browser)
    step = live.progress.nodes.get(node) if live else None
    if live is None or step is None:
        return None
    values = live.inputs_of(node) if side == "in" else step.outputs
    if port not in values:
        return None
    value = values[port]
    told: dict[str, Any] = {"shape": shape_of(value), "value": value}
    if told["shape"] == "text":
        if len(value) > TEXT:
            told |= {"value": value[:TEXT], "cut": len(value) - TEXT}
        if len(value) <= MARKDOWN and looks_like_markdown(value):
            told["words"] = parse_markdown(value)
    elif told["shape"] == "picture" and (why := unfit(value)):
        told |= {"value": {"media": "", "data": ""}, "unfit": why}
    return told


def _latest(document: FlowDocument, browser: str) -> LiveRun | None:
    live = services().runner.latest(document.id, browser)
    if live is not None:
        services().runner.catch_up(live)
    return live
