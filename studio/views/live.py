"""The parts of a page that the bundle draws: whether the flow is saved, steps, texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from patchbay.flows.checks.inside import called, titles_inside
from patchbay.nodes.text.markdown import parse_markdown
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.server import session
from patchbay.studio.server.frontend import live_component


def query(document: FlowDocument) -> str:
    """What a push route wants to know."""
    return urlencode({"doc": document.id, "token": session.token(document)})


def pulse(document: FlowDocument, live: LiveRun | None, on_stale: Callable[[], None]) -> None:
    """Whether the flow is saved. Calls `on_stale` when the page shows what is no longer so."""
    live_component()(
        key="pulse",
        data={
            "url": f"patchbay/live?{query(document)}",
            "doc": document.id,
            "mode": "pulse",
            "rev": document.revision,
            "saved": document.saved,
            "conflict": document.conflict is not None,
            "run": f"{live.id}:{live.progress.state}" if live else "",
            "wait": 500,
        },
        on_stale_change=on_stale,
        height="content",
    )


def trace(steps: Sequence[Mapping[str, Any]], key: str) -> None:
    """What an agent did, step by step; as in `patchbay.studio.runs.progress.NodeState.steps`."""
    live_component()(key=key, data={"mode": "trace", "trace": list(steps)}, height="content")


def words(text: str, key: str, *, breaks: bool = True) -> None:
    """A text that people or models wrote, with the form that its Markdown gives it.

    Args:
        text: the text; see `patchbay.nodes.text.markdown` for what becomes of it.
        key: unique on the page.
        breaks: whether lines end where they end in the text.
    """
    data = {"mode": "words", "words": parse_markdown(text, breaks=breaks)}
    live_component()(key=key, data=data, height="content")


def difference(before: str, after: str, key: str) -> None:
    """Two texts as one, with what was taken out and what was put in."""
    data = {"mode": "difference", "before": before, "after": after}
    live_component()(key=key, data=data, height="content")


def found(texts: Sequence[Mapping[str, Any]], key: str) -> None:
    """Numbered texts: `n` and `text`; `score`, `share` (of a full bar), `source`, `more` if any."""
    live_component()(key=key, data={"mode": "found", "found": list(texts)}, height="content")


def titles_of(live: LiveRun) -> Mapping[str, str]:
    """Titles by path, of the run's nodes and of those in the flows that they run."""
    if live.titles is None:
        from patchbay.studio.server.services import services

        live.titles = titles_inside(live.flow, live.folder, services().catalog)
    return live.titles


def title_of(live: LiveRun, path: str) -> str:
    """What a step of a run is called; inside a node by all titles on the way there."""
    return called(path, titles_of(live))
