"""One flow over a table: what a person asked for, and how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from patchbay.flows.batch.looking import SeenBatch, look_at, look_at_parts
from patchbay.flows.problems import Problem

if TYPE_CHECKING:
    from patchbay.flows.batch.manifest import BatchSettings

OUTPUT = "output.jsonl"

TableState = Literal["running", "stopped", "failed", "finished"]


@dataclass(frozen=True)
class TableOrder:
    """What a person asks for: a flow, a table, and which column goes where."""

    title: str
    flow: str
    """The flow as it is now, as text: a batch goes on with what it was begun with."""
    path: str
    """The file of the flow; what it names lies beside it."""
    rows: str
    """The name of the table that was dropped."""
    columns: Mapping[str, str]
    shared: Mapping[str, Any] = field(default_factory=dict)
    keep: tuple[str, ...] | None = None
    slots: int = 8
    retries: int = 0
    limit_s: float | None = None
    max_tokens: int | None = None
    where: str = "here"
    """`here`, `ray`, or a cluster that the settings name."""
    variables: str = ""
    owner: str = ""
    begun_at: float = 0.0


@dataclass
class TableRun:
    """One of them. What it did is read from its folder."""

    id: str
    folder: Path
    order: TableOrder
    problem: Problem | None = None
    """Why it is not at work any more, where the person did not stop it."""
    words: str = ""
    """How far it is, how fast, and how long it still takes; while it is at work."""
    share: float | None = None
    """How much of it is done, 0 to 1, where that is known."""
    loop: asyncio.AbstractEventLoop | None = None
    task: asyncio.Task[None] | None = None
    active: bool = False

    @property
    def output(self) -> Path:
        """What it writes."""
        return self.folder / OUTPUT

    @property
    def rows_file(self) -> Path:
        """The table."""
        return self.folder / f"rows{Path(self.order.rows).suffix.lower()}"

    def look(self, shown: int = 0) -> SeenBatch:
        """What it has done."""
        found = look_at(self.output, shown)
        parts = Path(f"{self.output}.slurm")
        return look_at_parts(parts, shown) if not found.ended and parts.exists() else found

    @property
    def state(self) -> TableState:
        """How it stands."""
        if self.active:
            return "running"
        if self.output.exists():
            return "finished"
        return "failed" if self.problem is not None else "stopped"


def settings_of(run: TableRun) -> BatchSettings:
    """How rows of it become runs."""
    from patchbay.flows.batch.manifest import BatchSettings

    order = run.order
    return BatchSettings(
        str(run.rows_file), "", dict(order.columns), dict(order.shared), order.keep, True,
        order.retries, order.limit_s,
    )  # fmt: skip
