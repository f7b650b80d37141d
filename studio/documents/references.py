"""The files beside a flow that it needs: what those of its params name that are there for it.

What counts is the widget that a node declares for a param, never what its value looks like: the
choice `ask` of some param is no reason to bring a flow of that name along.
"""

from __future__ import annotations

from pathlib import Path

from patchbay.flows.checks.locate import subflow_path
from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_flow
from patchbay.flows.problems import FlowError
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.outside import named_outside

FILES = 500
"""Files of one data folder that are brought along."""


def references(flow: Flow, folder: Path, catalog: Catalog) -> list[Path]:
    """Files below `folder` that a flow names: flows that it runs, with theirs, and data."""
    found: dict[Path, None] = {}
    _collect(flow, folder.resolve(), catalog, found)
    return list(found)


def _collect(flow: Flow, folder: Path, catalog: Catalog, found: dict[Path, None]) -> None:
    for node in flow.nodes:
        cls = catalog.get(node.kind)
        if cls is None:
            continue  # nobody knows what its params mean
        for widget, name in named_outside(cls, node.params):
            if widget == "flow":
                _flow(name, folder, catalog, found)
            elif (path := _below(folder, name)) and path.is_dir():
                found |= dict.fromkeys(_files_in(path))
            elif path and path.is_file():
                found[path] = None


def _flow(name: str, folder: Path, catalog: Catalog, found: dict[Path, None]) -> None:
    try:
        path = subflow_path(folder, name).resolve()
        if path in found or not path.is_relative_to(folder):
            return
        found[path] = None
        _collect(read_flow(path), folder, catalog, found)
    except FlowError:
        return  # missing or broken: the validator will say so


def _below(folder: Path, name: str) -> Path | None:
    """The path that a name means, if it lies below the folder."""
    try:
        path = (folder / name).resolve()
    except (OSError, ValueError):
        return None
    return path if path != folder and path.is_relative_to(folder) else None


def _files_in(folder: Path) -> list[Path]:
    """The files of a data folder, without hidden ones and without what links lead out to."""
    found = []
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
        if not hidden and path.is_file() and path.resolve().is_relative_to(folder):
            found.append(path)
    return found[:FILES]
