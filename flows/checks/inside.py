"""What is called what in the flows that nodes run: for people who read the path of a step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from patchbay.flows.checks.locate import read_once, subflow_path
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.document.model import Flow
from patchbay.flows.document.titles import node_title
from patchbay.flows.problems import FlowError
from patchbay.nodes.catalog import Catalog


def titles_inside(flow: Flow, folder: Path | None, catalog: Catalog) -> dict[str, str]:
    """Titles of the flow's nodes and of those in the flows that they run.

    Args:
        flow: the outer flow.
        folder: where the flows lie that it names; None where it lies nowhere.
        catalog: by whose titles nodes are called.

    Returns:
        Title by path, in the order of the flow: `each`, then `each/ask`. The number of an item is
        not part of it; `called` knows how to read a path with one. A flow that cannot be read has
        none: whoever runs it is told why.
    """
    return dict(_titles(flow, folder, catalog, "", frozenset()))


def _titles(
    flow: Flow, folder: Path | None, catalog: Catalog, prefix: str, around: frozenset[Path]
) -> Iterator[tuple[str, str]]:
    resolved = resolve_once(flow, catalog).nodes
    for node in flow.nodes:
        path = prefix + node.id
        yield path, node_title(flow, node, catalog)
        if folder is None:
            continue
        for use in resolved[node.id].subflows:
            with contextlib.suppress(FlowError):
                file = subflow_path(folder, use.flow)
                if file not in around:
                    inner = read_once(file)
                    yield from _titles(inner, file.parent, catalog, f"{path}/", around | {file})


def called(path: str, titles: Mapping[str, str]) -> str:
    """A step's path in words: `each/2/ask` is `For each / item 3 / Ask`.

    The browser reads paths by the same rule: `calledPath` in `live/titles.ts`.
    """
    words: list[str] = []
    known = ""
    for part in path.split("/"):
        at = f"{known}/{part}" if known else part
        if at in titles:
            words.append(titles[at])
            known = at
        else:
            words.append(f"item {int(part) + 1}" if known and part.isdecimal() else part)
    return " / ".join(words)


def in_order(path: str) -> tuple[tuple[int, str], ...]:
    """By what steps inside a node are sorted: item 2 before item 10."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in path.split("/"))
