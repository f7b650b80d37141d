"""What a flow needs from outside, and whether it is here: weights, files, flows, servers.

A node of a cluster has no internet as a rule: what is missing there is better known before a job
waits in a queue.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from patchbay.flows.checks.described import describe_flow
from patchbay.flows.problems import Problem
from patchbay.flows.runs.subflows import Prepared
from patchbay.nodes.catalog import missing_packages
from patchbay.nodes.home import weights_dir
from patchbay.nodes.outside import Brought, named_outside
from patchbay.nodes.values import Spec
from patchbay.nodes.weights.folders import find_folder
from patchbay.nodes.weights.resolve import find

NeedKind = Literal["weights", "file", "flow", "server", "package", "secret"]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a node of the flow needs. `path` is where it lies; None: it is not here."""

    kind: NeedKind
    name: str
    node: str
    path: Path | None = None


def needs_of(ready: Prepared, folder: Path | None) -> list[Need]:
    """Everything that a flow names outside itself, of the flows that it runs too."""
    return list(dict.fromkeys(_needs(ready, folder, folder)))


def _needs(ready: Prepared, folder: Path | None, top: Path | None) -> Iterator[Need]:
    for node_id, outputs in describe_flow(ready.resolved).outputs.items():
        for value in outputs.as_dict().values():
            yield from (_as_written(need, ready, top) for need in needs_of_value(value, node_id))
    for step in ready.plan.steps.values():
        if step.disabled:
            continue
        for package in missing_packages(step.cls):
            yield Need("package", package, step.id)
        yield from _of_params(step.cls, step.params, step.id, folder)
        for name in step.subflows:
            sub = ready.subflows.open(name, 1)
            yield Need("flow", name, step.id, sub.path)
            yield from _needs(sub.prepared, sub.folder, top)
    for secret in ready.secrets:
        yield Need("secret", secret, "")


def _as_written(need: Need, ready: Prepared, top: Path | None) -> Need:
    """Weights that lie beside their flow, by their place below the outer flow's folder."""
    if need.kind != "weights" or top is None or need.name not in ready.resolved.lie_beside:
        return need
    with contextlib.suppress(ValueError):
        return replace(need, name=Path(need.name).relative_to(top.absolute()).as_posix())
    return need


def needs_of_value(value: Any, node_id: str) -> Iterator[Need]:
    """The weights and servers in a description, at any depth."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from needs_of_value(item, node_id)
    if not isinstance(value, BaseModel):
        return
    said = dict(value)
    weights = said.get("weights")
    if isinstance(value, Spec) and isinstance(weights, str) and weights:
        yield Need("weights", weights, node_id, find(weights) or find_folder(weights))
    elif isinstance(value, Brought) and not value.ships():
        yield Need("weights", str(weights), node_id, value.here())
    address = said.get("base_url")
    if address is not None and str(address):
        yield Need("server", str(address), node_id)
    for inner in said.values():
        yield from needs_of_value(inner, node_id)


def _of_params(cls: Any, params: Any, node_id: str, folder: Path | None) -> Iterator[Need]:
    for widget, name in named_outside(cls, params.model_dump()):
        path = (folder or Path()) / name
        if widget == "file" or (widget == "folder" and path.exists()):  # it may make the folder
            yield Need("file", name, node_id, path if path.exists() else None)


def offline_problems(needs: list[Need]) -> list[Problem]:
    """What would be missing on a machine without internet."""
    return [problem for need in needs if (problem := _missing(need)) is not None]


def _missing(need: Need) -> Problem | None:
    match need.kind:
        case "weights" if need.path is None:
            fix = f"patchbay models pull {need.name}, where there is internet."
            return Problem("offline/weights", f"{need.name} is not here.", fix, node=need.node)
        case "file" if need.path is None:
            fix = "Put it there; relative paths start in the folder of the flow."
            return Problem("offline/file", f"{need.name} is not here.", fix, node=need.node)
        case "package":
            fix = f"pip install {need.name}, or patchbay bundle, where there is internet."
            return Problem("offline/package", f"{need.name} is not here.", fix, node=need.node)
        case "server" if not _is_here(need.name):
            message = f"It asks a server elsewhere: {need.name}."
            fix = "Choose a model of this machine, or a server that the job can reach."
            return Problem("offline/server", message, fix, node=need.node)
        case _:
            return None


def _is_here(address: str) -> bool:
    from urllib.parse import urlsplit

    return (urlsplit(address).hostname or "") in ("localhost", "127.0.0.1", "::1")


def inside_weights(path: Path) -> Path | None:
    """Where a file of weights lies within the folder of weights; None where it is elsewhere."""
    try:
        return path.resolve().relative_to(weights_dir().resolve())
    except ValueError:
        return None
