"""What an experiment has found, kept under the home: cells as they end, and results over time.

Cells lie in SQLite, so that an experiment of 100,000 is opened by its summary and leafed through a
page at a time. No file here is written by two machines.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.file_stamp import file_stamp
from patchbay.nodes.home import home
from patchbay.nodes.private import private_file, private_folder

_PLAIN = re.compile(r"[^\w.-]+")
OWNER = "owner.json"
SCHEMA = """
CREATE TABLE IF NOT EXISTS cells (
  variant TEXT, place TEXT, output TEXT, error TEXT, seconds REAL, tokens INTEGER, run TEXT,
  cost TEXT, memory INTEGER, judged TEXT, PRIMARY KEY (variant, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cases (
  number INTEGER PRIMARY KEY, place TEXT, inputs TEXT, expected TEXT);
"""
_COLUMNS = "variant, place, output, error, seconds, tokens, run, cost, memory, judged"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Judged:
    """What a check that is a flow of its own has said of a cell."""

    score: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class ExperimentCell:
    """What one variant gave for one case.

    `cost` has what is known of it by currency, `memory` the estimated bytes of the models. `judged`
    are the scores by flows, by the key of the check, what should have come out, and what it was
    compared with.
    """

    variant: str
    case: str
    output: Any = None
    error: str = ""
    seconds: float = 0.0
    tokens: int = 0
    run: str = ""
    cost: Mapping[str, float] = field(default_factory=dict)
    memory: int = 0
    judged: Mapping[str, Judged] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptCase:
    """A case as it was run, with the cells of some variants beside it."""

    number: int
    inputs: dict[str, Any]
    expected: Any
    cells: tuple[ExperimentCell | None, ...]


def experiments_folder() -> Path:
    """Where all experiments are kept. It need not exist yet."""
    return home() / "experiments"


def plain_name(name: str) -> str:
    """The folder's name of an experiment or a data set."""
    return _PLAIN.sub("-", name).strip("-.")[:100]


class KeptCells:
    """The folder of an experiment.

    Args:
        name: of the experiment; by default that of its flow's file.

    Raises:
        FlowError: it cannot be made.
    """

    def __init__(self, name: str) -> None:
        self.name = plain_name(name) or "experiment"
        self.folder = experiments_folder() / self.name
        self._lock, self._made = threading.Lock(), False
        try:
            private_folder(self.folder)
        except OSError as error:
            raise unwritable(self.folder, error) from error

    @property
    def owner(self) -> str:
        """The person of a studio who began it; "" where it is everybody's."""
        said = (self.read(OWNER) or {}).get("owner")
        return said if isinstance(said, str) else ""

    def give_to(self, owner: str) -> None:
        """Have it be of a person of a studio; "" for everybody of it.

        Raises:
            FlowError: the disk refuses.
        """
        self.write(OWNER, {"owner": owner})

    # --- cells --------------------------------------------------------------------------------

    def cells(self, variants: Sequence[str] | None = None) -> dict[tuple[str, str], ExperimentCell]:
        """What is known, by variant and case: of all variants, or of those with these keys."""

        def read(db: sqlite3.Connection) -> dict[tuple[str, str], ExperimentCell]:
            found = {}
            for variant in variants or [row[0] for row in db.execute(_VARIANTS)]:
                query = f"SELECT {_COLUMNS} FROM cells WHERE variant = ?"  # noqa: S608 - ours
                for row in db.execute(query, (variant,)):
                    cell = _cell(row)
                    found[cell.variant, cell.case] = cell
            return found

        return self._do(read)

    @property
    def stamp(self) -> tuple[int, int] | None:
        """Another one after each cell that is kept; None before the first."""
        return file_stamp(self.folder / "cells.sqlite")

    def count(self) -> int:
        """How many cells are kept."""
        return self._do(lambda db: int(db.execute("SELECT count(*) FROM cells").fetchone()[0]))

    def add(self, *cells: ExperimentCell) -> None:
        """Keep cells, at once.

        Raises:
            FlowError: the disk refuses.
        """
        put = f"INSERT OR REPLACE INTO cells ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
        self._do(lambda db: db.executemany(put, [_row(cell) for cell in cells]))

    def put_cases(self, cases: Iterable[tuple[int, str, Mapping[str, Any], Any]]) -> None:
        """Keep the cases of this time: number, place, inputs and what should come out."""
        rows = [(n, place, _text(dict(given)), _text(right)) for n, place, given, right in cases]

        def put(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM cases")
            db.executemany("INSERT INTO cases VALUES (?,?,?,?)", rows)

        self._do(put)

    def page(self, variants: Sequence[str], first: int, limit: int) -> list[KeptCase]:
        """Some of the cases, from the one of number `first` on, with the cells of variants."""

        def read(db: sqlite3.Connection) -> list[KeptCase]:
            cases = "SELECT number, place, inputs, expected FROM cases WHERE number >= ? LIMIT ?"
            one = f"SELECT {_COLUMNS} FROM cells WHERE variant = ? AND place = ?"  # noqa: S608
            found = []
            for number, place, inputs, expected in db.execute(cases, (first, limit)).fetchall():
                rows = [db.execute(one, (variant, place)).fetchone() for variant in variants]
                cells = tuple(_cell(row) if row else None for row in rows)
                found.append(KeptCase(number, json.loads(inputs), json.loads(expected), cells))
            return found

        return self._do(read)

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock, self._open() as db:
            return work(db)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        path = self.folder / "cells.sqlite"
        try:
            db = sqlite3.connect(private_file(path), timeout=30)
            try:
                with db:
                    if not self._made:
                        db.executescript(SCHEMA)
                        self._made = True
                    # After a power cut the last cells are run again; the file stays whole.
                    db.execute("PRAGMA synchronous = NORMAL")
                    yield db
            finally:
                db.close()
        except (OSError, sqlite3.Error) as error:
            raise unwritable(self.folder, error) from error

    # --- results ------------------------------------------------------------------------------

    def results(self) -> list[Path]:
        """The results that are kept, oldest first; the scores of all cases lie beside them."""
        return sorted((self.folder / "results").glob("*.json"))

    def last(self) -> dict[str, Any] | None:
        """The latest result with its scores, or None."""
        for path in reversed(self.results()):
            if (held := read_object(path)) is None:
                continue
            scores = read_object(self.folder / "scores" / path.name) or {}
            for number, one in enumerate(held.get("variants", ())):
                one.setdefault("scores", scores.get(str(number), {}))
            return held
        return None

    def keep(self, result: Mapping[str, Any]) -> Path:
        """Keep a result under its time, in nanoseconds since 1970.

        Raises:
            FlowError: the disk refuses.
        """
        name = f"{time.time_ns():020d}.json"
        variants = list(result.get("variants", ()))
        self.write(f"scores/{name}", {str(n): one["scores"] for n, one in enumerate(variants)})
        short = [{k: v for k, v in one.items() if k != "scores"} for one in variants]
        return self.write(f"results/{name}", {**result, "variants": short})

    def write(self, name: str, said: Mapping[str, Any]) -> Path:
        """Write a file of the folder.

        Raises:
            FlowError: the disk refuses.
        """
        path = self.folder / name
        try:
            private_folder(path.parent)
            write_atomic(path, json.dumps(said, ensure_ascii=False, indent=1) + "\n")
        except OSError as error:
            raise unwritable(self.folder, error) from error
        return path

    def read(self, name: str) -> dict[str, Any] | None:
        """A file of the folder; None where there is none that can be read."""
        return read_object(self.folder / name)


_VARIANTS = "SELECT DISTINCT variant FROM cells"


def read_object(path: Path) -> dict[str, Any] | None:
    """A JSON object; None where the file holds none."""
    try:
        held = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return held if isinstance(held, dict) else None


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def _row(cell: ExperimentCell) -> tuple[Any, ...]:
    judged = {key: [one.score, one.note] for key, one in cell.judged.items()}
    return (
        cell.variant, cell.case, _text(cell.output), cell.error, cell.seconds, cell.tokens,
        cell.run, _text(dict(cell.cost)), cell.memory, _text(judged),
    )  # fmt: skip


def _cell(row: Sequence[Any]) -> ExperimentCell:
    variant, case, output, error, seconds, tokens, run, cost, memory, judged = row
    said = {key: Judged(*one) for key, one in json.loads(judged).items()}
    return ExperimentCell(
        variant, case, json.loads(output), error, seconds, tokens, run, json.loads(cost), memory,
        said,
    )  # fmt: skip


def unwritable(folder: Path, error: Exception) -> FlowError:
    """What is said where the disk refuses."""
    why = getattr(error, "strerror", None) or error
    message = f"The experiment cannot be kept in {folder}: {why}."
    fix = "Make room, or set PATCHBAY_HOME to a folder on another disk; what was kept stays."
    return FlowError([Problem("experiment/unwritable", message, fix)])
