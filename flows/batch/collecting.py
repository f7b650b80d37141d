"""The parts of a batch that several machines did, put together in the order of the rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patchbay.flows.batch.manifest import differences, file_hash
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
        self.file = manifest.with_name(f"{stem}.jsonl")
        self._failed_file = manifest.with_name(f"{stem}.failed.jsonl")
        self._rows, self._failed = _lines(self.file), _lines(self._failed_file)
        self._next_failed = self._failure()

    def whole(self) -> bool:
        """Whether its files hold what its manifest says."""
        said = self.said["output"]
        failed = sum(1 for _ in _lines(self._failed_file)) if said["failed"] else 0
        return bool(
            said["sha256"] == file_hash(self.file)
            and said["rows"] == sum(1 for _ in _lines(self.file))
            and said["failed"] == failed
        )

    def _failure(self) -> tuple[int, bytes] | None:
        line = next(self._failed, None)
        return None if line is None else (json.loads(line)["row"], line)

    def take(self, number: int) -> tuple[bytes, bool]:
        """The line of a row, and whether it failed."""
        if self._next_failed is not None and self._next_failed[0] == number:
            line = self._next_failed[1]
            self._next_failed = self._failure()
            return line, True
        line = next(self._rows, b"")
        if not line:
            message = f"{self.file} holds its failed rows out of order."
            raise bad("batch/damaged", message, "Remove the folder and send the batch again.")
        return line, False


def _lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            yield from file


def collect_parts(folder: Path, spool: Spool) -> dict[str, Any]:
    """Put the rows of all parts into a spool, in order. The manifest of the whole.

    Raises:
        FlowError: a part is missing or damaged, or they are of different batches.
    """
    parts = sorted((_Part(p) for p in folder.glob("part-*.manifest.json")), key=lambda p: p.index)
    _check(parts, folder)
    whole = dict(parts[0].said)
    whole["settings"] = {**whole["settings"], "shard": [0, 1]}
    spool.begin({k: v for k, v in whole.items() if k != "output"})
    for number in range(sum(part.total for part in parts)):
        line, failed = parts[number % len(parts)].take(number)
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


def _check(parts: list[_Part], folder: Path) -> None:
    """That they are all the parts of one batch, and that each is whole."""
    fix = f"Remove {folder} and send the batch again."
    there = [part.index for part in parts]
    count = parts[0].parts if parts else 0
    if missing := [n for n in range(count) if n not in there] if parts else ["all"]:
        message = f"Parts are missing in {folder}: {', '.join(map(str, missing))}."
        raise bad("batch/parts", message, "Look at the logs there; send the array again.")
    if there != list(range(count)):
        message = f"{folder} holds parts of different batches: {len(parts)} of {count}."
        raise bad("batch/parts", message, fix)
    total = sum(part.total for part in parts)
    for part in parts:
        if found := differences(_shared(parts[0].said), _shared(part.said)):
            what = f"part {part.index} is not as part 0: {'; '.join(found)}"
            raise bad("batch/parts", f"{folder} holds parts of different batches: {what}.", fix)
        if not part.said["settings"]["ordered"]:
            message = f"Part {part.index} was written out of order, and cannot be put together."
            raise bad("batch/parts", message, f"{fix} Leave --unordered out.")
        asked = len(range(part.index, total, count))
        if part.total != asked:
            message = f"Part {part.index} holds {part.total} rows, and {asked} are its share."
            raise bad("batch/parts", message, fix)
        if not part.whole():
            raise bad("batch/damaged", f"{part.file} is not as it was written.", fix)


def _shared(said: dict[str, Any]) -> dict[str, Any]:
    """What all parts of a batch have in common: all but which part it is, and on what machine."""
    settings = {name: value for name, value in said["settings"].items() if name != "shard"}
    settings |= {"parts": said["settings"]["shard"][1]}
    return {**said, "settings": settings, "machine": {}}
