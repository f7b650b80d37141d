"""What a batch has done, kept beside its output until all rows are done.

A folder `OUT.batch` holds the rows that are done as JSON Lines, those that failed, and a small file
that says how far both are good and which rows they hold. That file is replaced in one step, after
what it speaks of is on the disk; what stands behind it in the other two is cut off when a batch is
gone on with. So a row is never written twice, whenever a batch was stopped and by whatever.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from patchbay.flows.batch.databases import without_password
from patchbay.flows.batch.rows import bad
from patchbay.flows.problems import FlowError
from patchbay.nodes.atomic import write_atomic

STATE, ROWS, FAILED, MANIFEST = "state.json", "rows.jsonl", "failed.jsonl", "manifest.json"


@dataclass
class BatchDone:
    """How far a batch has come. Every row below `below` is done, and those in `beyond`."""

    below: int = 0
    beyond: list[int] = field(default_factory=list)
    rows: int = 0
    """Rows that gave something."""
    failed: int = 0
    rows_bytes: int = 0
    failed_bytes: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: dict[str, float] = field(default_factory=dict)
    read: int = 0
    """Rows that were read, of a source that is known by nothing but its rows."""
    digest: str = ""
    """A hash (hex) of their cells."""
    seconds: float = 0.0
    """Wall time of all tries."""
    whole: bool = False
    """Whether there are no further rows."""

    @property
    def begun(self) -> bool:
        """Whether a row is done."""
        return bool(self.below or self.beyond or self.rows or self.failed)


class Spool:
    """The folder of one batch, held by one process.

    Args:
        output: what the batch writes in the end.
        folder: where it is kept; beside the output unless given.

    Raises:
        FlowError: another process has it, or the folder cannot be written.
    """

    def __init__(self, output: str, folder: Path | None = None) -> None:
        from filelock import FileLock, Timeout

        self.output = output
        self.folder = folder or Path(f"{output}.batch")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.folder / "lock")
            self._lock.acquire(timeout=0)
        except Timeout:
            message = f"Another batch is writing {without_password(output)}."
            raise bad("batch/busy", message, "Wait for it, or name another output.") from None
        except OSError as error:
            raise self._refused(error) from None
        self.done = BatchDone()
        self.resumed = False
        self._beyond: set[int] = set()
        self._rows: BinaryIO | None = None
        self._failed: BinaryIO | None = None

    def _refused(self, error: OSError) -> FlowError:
        what = error.strerror or str(error)
        message = f"{self.folder} cannot be written: {what}."
        return bad("batch/output", message, "Name an output in a folder that you may write to.")

    @property
    def begun(self) -> bool:
        """Whether a batch was begun here before."""
        return (self.folder / MANIFEST).exists()

    def manifest(self) -> dict[str, Any]:
        """What the batch was begun with."""
        found: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        return found

    def begin(self, manifest: dict[str, Any]) -> None:
        """Start anew."""
        try:
            for name in (STATE, ROWS, FAILED):
                (self.folder / name).unlink(missing_ok=True)
            write_atomic(self.folder / MANIFEST, json.dumps(manifest, indent=1))
            self._open(BatchDone())
        except OSError as error:
            raise self._refused(error) from None

    def go_on(self) -> None:
        """Take up what is there: cut off what stands behind the last commit."""
        self.resumed = True
        try:
            state = self.folder / STATE
            done = BatchDone(
                **json.loads(state.read_text(encoding="utf-8")) if state.exists() else {}
            )
            if done.whole:
                self.done = done
            else:
                self._open(done)
        except OSError as error:
            raise self._refused(error) from None

    def _open(self, done: BatchDone) -> None:
        self.done, self._beyond = done, set(done.beyond)
        files = []
        for name, size in ((ROWS, done.rows_bytes), (FAILED, done.failed_bytes)):
            path = self.folder / name
            path.touch()
            if path.stat().st_size < size:
                message = f"{path} is shorter than it was: {path.stat().st_size} of {size} bytes."
                raise bad("batch/damaged", message, "Begin anew: leave --resume out.")
            file = path.open("r+b", buffering=1 << 16)
            file.truncate(size)
            file.seek(size)
            files.append(file)
        self._rows, self._failed = files

    def has(self, number: int) -> bool:
        """Whether a row is done."""
        return number < self.done.below or number in self._beyond

    def put(self, number: int, line: bytes, *, failed: bool = False) -> None:
        """Keep a row that is done; it counts from the next `commit` on."""
        file = self._failed if failed else self._rows
        assert file is not None  # noqa: S101 - `begin` or `go_on` came first
        file.write(line)
        done = self.done
        if failed:
            done.failed += 1
            done.failed_bytes += len(line)
        else:
            done.rows += 1
            done.rows_bytes += len(line)
        if number == done.below:
            done.below += 1
            while self._beyond and done.below in self._beyond:
                self._beyond.discard(done.below)
                done.below += 1
        else:
            self._beyond.add(number)

    def commit(self) -> None:
        """Have all that was put on the disk, and say so there.

        Raises:
            OSError: the disk refuses; what was committed before stays good.
        """
        for file in (self._rows, self._failed):
            if file is not None:
                file.flush()
                os.fsync(file.fileno())
        self.done.beyond = sorted(self._beyond)
        write_atomic(self.folder / STATE, json.dumps(asdict(self.done)))

    @property
    def rows_file(self) -> Path:
        """The rows that are done, as JSON Lines."""
        return self.folder / ROWS

    @property
    def failed_file(self) -> Path:
        """The rows that failed, as JSON Lines."""
        return self.folder / FAILED

    def lines(self) -> Iterable[dict[str, Any]]:
        """The rows that are done, read one by one."""
        with self.rows_file.open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)

    def close(self) -> None:
        """Let go of the files, and of the batch."""
        for file in (self._rows, self._failed):
            if file is not None:
                try:
                    file.close()
                except OSError:  # a full disk; what is committed is there
                    file.raw.close() if hasattr(file, "raw") else None
        self._rows = self._failed = None
        self._lock.release()

    def remove(self) -> None:
        """Take the folder away: everything that it held is in the output."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)
