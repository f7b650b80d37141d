"""The parts of a page that the bundle draws: whether the flow is saved, steps, texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from patchbay.nodes.text.markdown import parse_markdown
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.server import session
from patchbay.studio.server.frontend import live_component

if TYPE_CHECKING:
    from patchbay.flows.document.model import Flow, NodeInstance
    from patchbay.nodes.catalog import Catalog
    from patchbay.nodes.contract import Node

LONGEST_ABOUT = 40
"""Characters of what a node is about, where that tells it from others of its kind."""


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


def found(texts: Sequence[Mapping[str, Any]], key: str) -> None:
    """Numbered texts: `n` and `text`; `score`, `share` (of a full bar), `source`, `more` if any."""
    live_component()(key=key, data={"mode": "found", "found": list(texts)}, height="content")


def title_of(live: LiveRun, path: str) -> str:
    """What a node of a run is called; inner nodes of sub-flows by their path."""
    node_id, _, inner = path.partition("/")
    node = live.flow.by_id().get(node_id)
    if node is None:
        return path
    from patchbay.studio.server.services import services

    title = node_title(live.flow, node, services().catalog)
    return f"{title} / {inner}" if inner else title


def node_title(flow: Flow, node: NodeInstance, catalog: Catalog) -> str:
    """What a node is called: its own title or its kind's. Where several of a kind have none, what
    each is about follows: `Role agent: Researcher`."""
    if node.title:
        return node.title
    cls = catalog.get(node.kind)
    if cls is None:
        return node.id
    alike = sum(other.kind == node.kind and not other.title for other in flow.nodes)
    about = _about(cls, node) if alike > 1 else ""
    return f"{cls.title}: {about}" if about else cls.title


def _about(cls: type[Node], node: NodeInstance) -> str:
    try:
        told = cls.summary(cls.Params.model_validate(node.params))
    except Exception:  # params that are not right yet, or a stranger's defect
        return node.id
    words = " ".join(told.partition(" · ")[0].split())
    return words if len(words) <= LONGEST_ABOUT else f"{words[:LONGEST_ABOUT].rstrip()}…"
