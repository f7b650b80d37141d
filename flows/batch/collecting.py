"""The parts of a batch that several machines did, put together in the order of the rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patchbay.flows.batch.rows import bad
from patchbay.flows.batch.spool import Spool


class _Part:
    """One part: its rows, its failed ones, and which number comes next."""

    def __init__(self, manifest: Path) -> None:
        said = json.loads(manifest.read_text(encoding="utf-8"))
        self.said = said
        self.index, self.parts = said["settings"]["shard"]
        stem = manifest.name.removesuffix(".manifest.json")
        self.total = said["output"]["rows"] + said["output"]["failed"]
        self._rows = _lines(manifest.with_name(f"{stem}.jsonl"))
        self._failed = _lines(manifest.with_name(f"{stem}.failed.jsonl"))
        self._next_failed = self._failure()

    def _failure(self) -> tuple[int, bytes] | None:
        line = next(self._failed, None)
        return None if line is None else (json.loads(line)["row"], line)

    def take(self, number: int) -> tuple[bytes, bool]:
        """The line of a row, and whether it failed."""
        if self._next_failed is not None and self._next_failed[0] == number:
            line = self._next_failed[1]
            self._next_failed = self._failure()
            return line, True
        return next(self._rows), False


def _lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            yield from file


def collect_parts(folder: Path, spool: Spool) -> dict[str, Any]:
    """Put the rows of all parts into a spool, in order. The manifest of the whole.

    Raises:
        FlowError: a part is missing, or they are of different batches.
    """
    parts = sorted((_Part(p) for p in folder.glob("part-*.manifest.json")), key=lambda p: p.index)
    there = [part.index for part in parts]
    count = parts[0].parts if parts else 0
    if not parts or there != list(range(count)):
        missing = ", ".join(str(n) for n in range(count) if n not in there) or "all"
        message = f"Parts are missing in {folder}: {missing}."
        raise bad("batch/parts", message, "Look at the logs there; send the array again.")
    if any(part.said["flow"] != parts[0].said["flow"] for part in parts):
        raise bad("batch/parts", f"{folder} holds parts of different batches.", "Begin anew.")
    whole = dict(parts[0].said)
    whole["settings"] = {**whole["settings"], "shard": [0, 1]}
    spool.begin({k: v for k, v in whole.items() if k != "output"})
    for number in range(sum(part.total for part in parts)):
        line, failed = parts[number % count].take(number)
        spool.put(number, line, failed=failed)
    for part in parts:
        tokens = part.said["output"]["tokens"]
        spool.done.prompt_tokens += tokens["prompt"]
        spool.done.completion_tokens += tokens["completion"]
        spool.done.seconds = max(spool.done.seconds, part.said["output"]["seconds"])
        for currency, amount in part.said["output"]["cost"].items():
            spool.done.cost[currency] = spool.done.cost.get(currency, 0.0) + amount
    spool.done.whole = True
    spool.commit()
    return whole
