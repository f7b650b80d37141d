"""What an experiment has found, kept under the home: cells as they end, and results over time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.home import home
from patchbay.nodes.private import private_folder

_PLAIN = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class ExperimentCell:
    """What one variant gave for one case."""

    variant: str
    case: str
    output: Any = None
    error: str = ""
    seconds: float = 0.0
    tokens: int = 0
    run: str = ""


class KeptCells:
    """The folder of an experiment.

    Args:
        name: of the experiment; by default that of its flow's file.

    Raises:
        FlowError: it cannot be made.
    """

    def __init__(self, name: str) -> None:
        self.folder = home() / "experiments" / (_PLAIN.sub("-", name).strip("-.") or "experiment")
        try:
            private_folder(self.folder)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    @property
    def _cells(self) -> Path:
        return self.folder / "cells.jsonl"

    def cells(self) -> dict[tuple[str, str], ExperimentCell]:
        """What is known, by variant and case. A line that was cut off is passed over."""
        found = {}
        for line in _lines(self._cells):
            try:
                cell = ExperimentCell(**json.loads(line))
            except (ValueError, TypeError):
                continue
            found[cell.variant, cell.case] = cell
        return found

    def add(self, cell: ExperimentCell) -> None:
        """Keep a cell, at once.

        Raises:
            FlowError: the disk refuses.
        """
        line = json.dumps(asdict(cell), ensure_ascii=False) + "\n"
        try:
            if self._cells.exists() and not _ends_whole(self._cells):
                line = "\n" + line
            with self._cells.open("a", encoding="utf-8", errors="replace") as file:
                file.write(line)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def results(self) -> list[Path]:
        """The results that are kept, oldest first."""
        return sorted((self.folder / "results").glob("*.json"))

    def last(self) -> dict[str, Any] | None:
        """The latest result, or None."""
        for path in reversed(self.results()):
            try:
                held = json.loads(path.read_text("utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(held, dict):
                return held
        return None

    def keep(self, result: Mapping[str, Any]) -> Path:
        """Keep a result under its time, in nanoseconds since 1970.

        Raises:
            FlowError: the disk refuses.
        """
        path = self.folder / "results" / f"{time.time_ns():020d}.json"
        try:
            private_folder(path.parent)
            write_atomic(path, json.dumps(result, ensure_ascii=False, indent=1) + "\n")
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        return path


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            yield from file
    except FileNotFoundError:
        return


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(0, 2)
        if file.tell() == 0:
            return True
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def _unwritable(folder: Path, error: OSError) -> FlowError:
    message = f"The experiment cannot be kept in {folder}: {error.strerror or error}."
    fix = "Make room, or set PATCHBAY_HOME to a folder on another disk; what was kept stays."
    return FlowError([Problem("experiment/unwritable", message, fix)])
