"""A run of this process, as pages and programs look at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patchbay.flows.document.model import Flow
from patchbay.flows.runs.running import Run
from patchbay.studio.runs.progress import Progress

Listener = Callable[[dict[str, Any]], None]
"""Takes messages of a flow's runs, on the thread of the runs. Must not block."""


@dataclass
class LiveRun:
    """A run of this process: what was asked for, and how far it is."""

    id: str
    document: str
    owner: str
    flow: Flow
    folder: Path | None
    inputs: dict[str, Any]
    only: tuple[str, ...]
    run: Run
    progress: Progress = field(default_factory=Progress)
    events: list[dict[str, Any]] = field(default_factory=list)
    hearers: list[Listener] = field(default_factory=list)
    """Take its events as they come; see `Runner.hear`."""
    resumed: bool = False
    """Whether it was at work before: what it asked then may be open before it asks again."""
    titles: dict[str, str] | None = None
    """What its steps are called, as `titles_inside` gives it, once that has been asked for."""

    @property
    def active(self) -> bool:
        """Whether it is still under way."""
        return self.progress.status == "running"

    @property
    def asleep(self) -> bool:
        """Whether it fell asleep here, and may go on in another process."""
        return self.progress.status in ("waiting", "elsewhere")

    def inputs_of(self, node_id: str) -> dict[str, Any]:
        """What went into a node, from its failure or from the nodes that it is wired to."""
        step = self.progress.nodes.get(node_id)
        if step and step.inputs:
            return step.inputs
        found: dict[str, Any] = {}
        for edge in self.flow.edges:
            source = self.progress.nodes.get(edge.source_node)
            if edge.target_node == node_id and source and edge.source_port in source.outputs:
                found[edge.target_port] = source.outputs[edge.source_port]
        return found
