"""What is called what in the flows that nodes run: for people who read the path of a step."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from patchbay.flows.checks.locate import read_once, subflow_path
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.document.model import Flow
from patchbay.flows.document.titles import node_title
from patchbay.flows.problems import FlowError
from patchbay.nodes.catalog import Catalog

MOST = 5_000
"""Titles that are looked for: flows that run others twice, which do so too, have very many."""


def titles_inside(flow: Flow, folder: Path | None, catalog: Catalog) -> dict[str, str]:
    """Titles of the flow's nodes and of those in the flows that they run.

    Args:
        flow: the outer flow.
        folder: where the flows lie that it names; None where it lies nowhere.
        catalog: by whose titles nodes are called.

    Returns:
        Title by path: those of the flow first, then those one flow deeper, and so on, `MOST` of
        them; who is not among them is called by its id. The number of an item is no part of a
        path; `called` knows how to read one with it. A flow that cannot be read has none: whoever
        runs it is told why.
    """
    found: dict[str, str] = {}
    open_: deque[tuple[Flow, Path | None, str, frozenset[Path]]] = deque(
        [(flow, folder, "", frozenset())]
    )
    while open_ and len(found) < MOST:
        outer, beside, prefix, around = open_.popleft()
        resolved = resolve_once(outer, catalog).nodes
        for node in outer.nodes:
            path = prefix + node.id
            found[path] = node_title(outer, node, catalog)
            if beside is None:
                continue
            for use in resolved[node.id].subflows:
                with contextlib.suppress(FlowError):
                    file = subflow_path(beside, use.flow)
                    if file not in around:
                        open_.append((read_once(file), file.parent, f"{path}/", around | {file}))
    return found


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
