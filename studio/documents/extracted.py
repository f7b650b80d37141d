"""A selection of an open flow made into a flow file of its own, in one step for undo."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

from patchbay.flows.checks.extraction import Extraction, extract
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.document.edit import EditError
from patchbay.flows.document.operations import Batch
from patchbay.flows.document.patch import diff
from patchbay.flows.wording import listed
from patchbay.nodes.catalog import Catalog
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.library import Library

LABEL = "make a flow"


def make_flow(
    document: FlowDocument,
    chosen: Collection[str],
    title: str,
    *,
    library: Library,
    catalog: Catalog,
    client: str = "",
) -> tuple[Extraction, Path]:
    """Save the chosen nodes as a flow beside this one, and put a node that runs it in their place.

    Undo brings the nodes back; the file stays.

    Args:
        document: the open flow.
        chosen: ids of nodes and notes.
        title: what the new flow is called; "" for the title of its last node.
        library: where the file goes.
        catalog: the kinds of nodes.
        client: whose undo it belongs to.

    Raises:
        EditError: the selection cannot be a flow. Nothing was changed.
        FlowError: the file cannot be written, or would hold something like a key.
    """
    flow = document.flow
    made = extract(resolve_once(flow, catalog), chosen, title)
    path = library.create(made.flow)
    try:
        change = diff(flow, made.running(path.stem))
        document.apply(Batch(ops=(change,), label=LABEL), client=client)
    except EditError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return made, path


def words(made: Extraction, path: Path) -> str:
    """What has happened, for the person who asked for it."""
    said = f'"{made.flow.name}" is a flow of its own now ({path.name}); a double-click goes in.'
    if made.copied:
        both = listed(made.copied, last="and", limit=4)
        said += f" {both} went along as a copy, because a flow cannot be given what it describes."
    return said
