"""A file of any builder: recognised by its shape, read as data, bounded in size and depth."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import parse_json, read_bytes
from patchbay.flows.exchange.imports.crewai import agents_of, read_crewai, tasks_of
from patchbay.flows.exchange.imports.dify import is_dify, read_dify
from patchbay.flows.exchange.imports.dify_rounds import dify_bodies
from patchbay.flows.exchange.imports.flowise import graphs_of_flowise, is_flowise
from patchbay.flows.exchange.imports.graph import ForeignGraph
from patchbay.flows.exchange.imports.haystack import is_haystack, read_haystack
from patchbay.flows.exchange.imports.langflow import is_langflow, read_langflow
from patchbay.flows.exchange.imports.loops import bodies_of
from patchbay.flows.exchange.imports.lower import Lowering
from patchbay.flows.exchange.imports.n8n import is_n8n, read_n8n
from patchbay.flows.exchange.imports.report import Entry, ImportReport
from patchbay.flows.exchange.imports.rounds import step_bodies
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.catalog import Catalog

BUILDERS = ("flowise", "langflow", "crewai", "haystack", "dify", "n8n")
MAX_NODES = 20_000


@dataclass(frozen=True, slots=True)
class Imported:
    """A flow that was imported, the flows that it runs, and what became of everything."""

    flow: Flow
    report: ImportReport
    parts: dict[str, Flow] = field(default_factory=dict)
    """Flows that it runs, by file name: bodies of loops."""


def import_file(path: str | os.PathLike[str], catalog: Catalog) -> list[Imported]:
    """The flows in another builder's file. Nothing in it is executed, no address in it opened.

    Raises:
        FlowError: the file cannot be read, or is of no builder that is known.
    """
    return import_bytes(read_bytes(path), Path(path).name, catalog)


def import_files(paths: Sequence[str | os.PathLike[str]], catalog: Catalog) -> list[Imported]:
    """The flows in one file, or in several that belong together.

    Raises:
        FlowError: as above.
    """
    if len(paths) == 1:
        other = _beside(Path(paths[0]))
        paths = [paths[0], other] if other is not None else paths
    found: list[Imported] = []
    crew: dict[str, dict[str, Any]] = {"agents": {}, "tasks": {}}
    for path in paths:
        data = _parsed(read_bytes(path))
        agents, tasks = agents_of(data), tasks_of(data)
        crew["agents"].update(agents)
        crew["tasks"].update(tasks)
        if not agents and not tasks:
            found.extend(import_data(data, Path(path).stem, catalog))
    if crew["agents"] or crew["tasks"]:
        name = Path(paths[0]).resolve().parent.name or "Crew"
        found.append(lowered(read_crewai(crew["agents"], crew["tasks"], name), catalog))
    return found


def _beside(path: Path) -> Path | None:
    """CrewAI keeps agents and tasks in two files of one folder."""
    pairs = {"agents": "tasks", "tasks": "agents"}
    other = path.with_name(f"{pairs.get(path.stem.lower(), '')}{path.suffix}")
    return other if path.stem.lower() in pairs and other.is_file() else None


def import_bytes(data: bytes, file: str, catalog: Catalog) -> list[Imported]:
    """Likewise, for the bytes of a file with this name.

    Raises:
        FlowError: as above.
    """
    with _uncollected():
        return list(import_data(_parsed(data), Path(file).stem, catalog))


def _parsed(data: bytes) -> Any:
    return parse_json(data) if _looks_like_json(data) else _yaml(data)


def _looks_like_json(data: bytes) -> bool:
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[", b"")


def _yaml(data: bytes) -> Any:
    from patchbay.flows.exchange.imports.plain_yaml import parse_yaml

    return parse_yaml(data)


def import_data(data: Any, name: str, catalog: Catalog) -> Iterator[Imported]:
    """The flows in data of any builder.

    Raises:
        FlowError: it is of none that is known.
    """
    graphs = list(graphs_of(data, name))
    if not graphs:
        raise _unknown(data)
    for graph in graphs:
        if len(graph.nodes) > MAX_NODES:
            message = f"The file holds {len(graph.nodes):,} nodes; {MAX_NODES:,} are read at most."
            raise FlowError([Problem("import/too-large", message, "Split it.")])
        yield lowered(graph, catalog)


def lowered(graph: ForeignGraph, catalog: Catalog) -> Imported:
    """The flow of a neutral graph."""
    with _uncollected():
        return _lowered(graph, catalog)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles: thousands of new objects set it off again and again, and
    all of them stay. Half of the time of a file of 5,000 nodes was its."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _lowered(graph: ForeignGraph, catalog: Catalog) -> Imported:
    bodies = {**bodies_of(graph), **step_bodies(graph), **dify_bodies(graph)}
    parts: dict[str, Flow] = {}
    entries: list[Entry] = []
    for name, body in bodies.items():  # the innermost first: what runs one asks for what it asks
        _tell_inputs(body, parts)
        inner = Lowering(body, catalog)
        parts[name] = inner.run()
        entries += inner.report.entries
    _tell_inputs(graph, parts)
    lowering = Lowering(graph, catalog)
    flow = lowering.run()
    for entry in entries:
        lowering.report.add(entry.status, entry.what, entry.words, entry.node)
    return Imported(flow, lowering.report, parts)


def _tell_inputs(graph: ForeignGraph, parts: Mapping[str, Flow]) -> None:
    """Tell each node that runs a body what that body asks for: name and kind."""
    if not parts:
        return
    for index, node in enumerate(graph.nodes):
        body = parts.get(f"{node.settings.get('body_flow')}.json")
        if body is not None:
            asked = [
                [str(n.params.get("name", "")), str(n.params.get("kind", "text"))]
                for n in body.nodes
                if n.kind == "io.input"
            ]
            settings = {**node.settings, "body_inputs": asked}
            graph.nodes[index] = node._replace(settings=settings)


def graphs_of(data: Any, name: str) -> Iterator[ForeignGraph]:
    """The neutral graphs in data of any builder; none where no builder is recognised."""
    if is_flowise(data):
        yield from graphs_of_flowise(data, name)
    elif is_langflow(data):
        yield read_langflow(data, name)
    elif is_haystack(data):
        yield read_haystack(data, name)
    elif is_dify(data):
        yield read_dify(data, name)
    elif is_n8n(data):
        yield read_n8n(data, name)
    elif agents_of(data) or tasks_of(data):
        yield read_crewai(agents_of(data), tasks_of(data), name)


def _unknown(data: Any) -> FlowError:
    if isinstance(data, dict) and "format" in data and isinstance(data.get("nodes"), list):
        fix = "It is a flow of Patchbay already: open it as it is."
    else:
        fix = (
            "Take an export of Flowise, Langflow, Dify (DSL) or n8n, a Haystack pipeline (YAML), "
            "or CrewAI's agents.yaml beside its tasks.yaml."
        )
    message = "The file is of no builder that Patchbay knows."
    return FlowError([Problem("import/unknown", message, fix)])
