"""Where a recorded run came from: the flow's file, its experiment, and what was pinned.

Two flows may have one name. And what is pinned must be known before the first node runs: after a
kill at once the run would else go on without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.blackout import EVERYWHERE
from patchbay.nodes.values import Value, decode, encode

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History

PinnedOutputs = Mapping[str, Mapping[str, Any]]
"""What nodes give, by node and port."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a run comes from.

    Args:
        file: the file of its flow; None where it has none.
        experiment: the name of the one that it is a cell of; "" for none.
        pinned: what nodes give that are not run.
    """

    file: Path | None = None
    experiment: str = ""
    pinned: PinnedOutputs = field(default_factory=dict)

    def row(self, run: str) -> dict[str, Any] | None:
        """It as a row; None where there is nothing to say."""
        if self.file is None and not self.experiment and not self.pinned:
            return None
        pins = {node: encode(dict(outputs)) for node, outputs in self.pinned.items()}
        return {
            "run": run,
            "file": str(self.file.resolve()) if self.file else None,
            "experiment": self.experiment or None,
            "pins": EVERYWHERE.text(json.dumps(pins, ensure_ascii=True)) if pins else None,
        }


def origin_of(history: History, run: str, types: Mapping[str, type[Value]] | None = None) -> Origin:
    """Where a run came from. A pin whose type is no longer installed is left out: the node runs."""
    row = _rows(history, [run]).get(run)
    if row is None:
        return Origin()
    pinned: dict[str, dict[str, Any]] = {}
    for node, outputs in json.loads(row.pins or "{}").items():
        try:
            pinned[node] = {name: decode(value, types) for name, value in outputs.items()}
        except ValueError:
            continue
    return Origin(Path(row.file) if row.file else None, row.experiment or "", pinned)


def files_of(history: History, runs: Iterable[str]) -> dict[str, Path]:
    """The file of the flow of each of these runs that says so."""
    return {run: Path(row.file) for run, row in _rows(history, list(runs)).items() if row.file}


def _rows(history: History, runs: list[str]) -> dict[str, Any]:
    table = history.table("run_origins")

    def read(db: Any) -> dict[str, Any]:
        import sqlalchemy as sa

        if not sa.inspect(db).has_table(table.name):
            return {}  # an older history that can only be read
        found: dict[str, Any] = {}
        for start in range(0, len(runs), _AT_ONCE):
            query = table.select().where(table.c.run.in_(runs[start : start + _AT_ONCE]))
            found |= {row.run: row for row in db.execute(query)}
        return found

    known: dict[str, Any] = history.read(read)
    return known


_AT_ONCE = 500
