"""A batch looked at from outside, at work or done: how far it is, what failed, what it gave.

Only what has been committed is read, so it may be looked at from any process at any time.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from patchbay.flows.batch.beside import side_file
from patchbay.flows.batch.spool import FAILED, ROWS, STATE

TAIL = 1_000_000
"""So many bytes at the end of a file are looked at for its last rows."""


@dataclass(frozen=True, slots=True)
class SeenBatch:
    """What is known of a batch. `failures` are the first rows that failed, as they were written;
    `given` are rows that gave something, with their number where that is known."""

    rows: int = 0
    failed: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    ended: bool = False
    """Whether the output is there, whole."""
    failures: tuple[dict[str, Any], ...] = ()
    given: tuple[tuple[int | None, dict[str, Any]], ...] = ()

    @property
    def count(self) -> int:
        """Rows that are done, failed ones too."""
        return self.rows + self.failed


def look_at(output: Path, shown: int, *, ordered: bool = True) -> SeenBatch:
    """Look at a batch that writes JSON Lines.

    Args:
        output: what it writes.
        shown: how many rows that failed, and how many that gave something, are wanted. Of a batch
            at work these are the last, of one that has ended the first.
        ordered: whether it keeps the order of the rows, so that their numbers are known.
    """
    work = Path(f"{output}.batch")
    manifest = side_file(str(output), "manifest.json")
    if output.exists() and (said := _json(manifest).get("output")):
        failures = tuple(islice(_rows(side_file(str(output), "failed.jsonl")), shown))
        given = list(islice(_rows(output), shown))
        numbers = _numbers(0, len(given), failures, said["failed"]) if ordered else None
        return SeenBatch(
            said["rows"], said["failed"], said["seconds"], said["tokens"]["prompt"],
            said["tokens"]["completion"], True, failures, _numbered(given, numbers),
        )  # fmt: skip
    state = _json(work / STATE)
    rows, failed = state.get("rows", 0), state.get("failed", 0)
    failures = tuple(islice(_rows(work / FAILED, state.get("failed_bytes", 0)), shown))
    given = _last(work / ROWS, state.get("rows_bytes", 0), shown)
    numbers = _numbers(rows - len(given), len(given), failures, failed) if ordered else None
    return SeenBatch(
        rows, failed, state.get("seconds", 0.0), state.get("prompt_tokens", 0),
        state.get("completion_tokens", 0), False, failures, _numbered(given, numbers),
    )  # fmt: skip


def _numbers(
    before: int, count: int, failures: tuple[dict[str, Any], ...], failed: int
) -> list[int] | None:
    """The numbers of `count` rows, of which `before` came before them; None where rows failed that
    are not known here."""
    if len(failures) < failed:
        return None
    bad = {one["row"] for one in failures}
    first = before
    for number in sorted(bad):
        first += number <= first
    good = (number for number in itertools.count(first) if number not in bad)
    return list(islice(good, count))


def _numbered(
    rows: list[dict[str, Any]], numbers: list[int] | None
) -> tuple[tuple[int | None, dict[str, Any]], ...]:
    return tuple(zip(numbers if numbers is not None else [None] * len(rows), rows, strict=True))


def _rows(path: Path, size: int | None = None) -> Iterator[dict[str, Any]]:
    """The rows of JSON Lines; of the first `size` bytes where that is given."""
    read = 0
    with suppress(OSError), path.open("rb") as file:
        for line in file:
            read += len(line)
            if size is not None and read > size:
                return
            yield json.loads(line)


def _last(path: Path, size: int, count: int) -> list[dict[str, Any]]:
    """The last rows of the first `size` bytes of JSON Lines."""
    if not count:
        return []
    begin = max(0, size - TAIL)
    with suppress(OSError), path.open("rb") as file:
        file.seek(begin)
        lines = file.read(size - begin).split(b"\n")[:-1]
        return [json.loads(line) for line in lines[1 if begin else 0 :][-count:]]
    return []


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def look_at_parts(folder: Path, shown: int) -> SeenBatch:
    """Likewise, of the parts that jobs of Slurm work at: counts, and rows that failed."""
    outputs = {path.name.removesuffix(".batch") for path in folder.glob("part-*.jsonl.batch")}
    outputs |= {path.name for path in folder.glob("part-*.jsonl")}
    parts = [look_at(folder / name, shown, ordered=False) for name in sorted(outputs)]
    return SeenBatch(
        sum(part.rows for part in parts), sum(part.failed for part in parts),
        max((part.seconds for part in parts), default=0.0),
        sum(part.prompt_tokens for part in parts), sum(part.completion_tokens for part in parts),
        False, tuple(one for part in parts for one in part.failures)[:shown],
    )  # fmt: skip
