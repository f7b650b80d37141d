"""Results by content hash: one SQLite file, shared by processes, bounded in what the disk gives.

A file for each result cost a block of the disk each, two and more for every item of a for-each, and
every look at the size went through all of them. What can be lost is only what can be made again: a
file that is damaged is begun anew, and a disk that refuses costs the entry only.

Runs look a result up on their event loop: a page of a small file, which takes some 30 microseconds.
They never wait there, neither for the disk that takes what is written (a thread does) nor for
another process that holds the file.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from patchbay.nodes.values import Value, decode, encode

if TYPE_CHECKING:
    import sqlite3

    from patchbay.flows.runs.results_file import ResultsFile

T = TypeVar("T")

DEFAULT_LIMIT = 1 << 30
"""Bytes of the disk that cached results may take together."""

WAIT_S = 2.0
"""How long another process may hold the file, in seconds; then it counts as having nothing."""
LOOK_S = 0.02
"""How long it may while somebody who must not wait looks something up, in seconds."""
GATHER_S = 0.1
"""Results that come quicker than this after each other are written together, in seconds."""
GATHER = 64
"""As many results are written together, at most."""
GONE = ""
"""The text of a result that is to be forgotten."""
USED_S = 3600.0
"""That an entry was used is noted at most this often, in seconds."""
FULL, TRIMMED = 1.0, 0.8
"""At which share of the limit the longest unused are removed, and down to which."""


class CacheHeldError(Exception):
    """Another process holds the cache; ask again, and wait."""


class Cache(Protocol):
    """Where results are kept."""

    def get(self, key: str, *, wait: bool = True) -> dict[str, Any] | None:
        """The outputs stored under `key`, or None.

        Args:
            key: the hash of what the result depends on.
            wait: whether this may take a while.

        Raises:
            CacheHeldError: it would, and must not.
        """

    def put(self, key: str, outputs: Mapping[str, Any]) -> None:
        """Store outputs, soon. Never raises for lack of space: a full cache stores nothing."""

    def drop(self, key: str) -> None:
        """Forget what is stored under `key`, soon: it is not what the node gives."""

    @property
    def is_flushed(self) -> bool:
        """Whether all that was stored outlives the process."""

    def flush(self) -> None:
        """Make sure that what was stored outlives the process: at the end of a run. Blocks."""


class FolderCache:
    """The cache on disk.

    Args:
        folder: where the file lies; made when first written to. Results that Patchbay 0.1 left
            there, a file each, are still found.
        types: descriptions that stored values may hold, by tag.
        limit: bytes of the disk in total; the results unused for longest are removed first.
    """

    def __init__(
        self,
        folder: Path,
        types: Mapping[str, type[Value]] | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> None:
        self.folder, self._types, self._limit = folder, types, limit
        self.path = folder / "results.sqlite"
        self._lock = threading.Lock()
        """Over what is in memory; held for moments only."""
        self._writes = threading.RLock()
        """Over who writes."""
        self._waiting: dict[str, str] = {}
        self._leaving: dict[str, str] = {}
        """What is being written just now."""
        self._used: dict[str, float] = {}
        self._flushed = 0.0
        self._writer: threading.Thread | None = None
        self._to_read: ResultsFile | None = None
        self._to_write: ResultsFile | None = None

    def get(self, key: str, *, wait: bool = True) -> dict[str, Any] | None:
        """The outputs stored under `key`, or None. Marks them as used."""
        with self._lock:
            text = self._waiting.get(key, self._leaving.get(key))
        text = self._stored(key, wait) if text is None else text
        if text is None:
            return None
        try:
            return {name: decode(item, self._types) for name, item in json.loads(text).items()}
        except (ValueError, AttributeError, TypeError, RecursionError):
            return None

    def put(self, key: str, outputs: Mapping[str, Any]) -> None:
        """Store outputs; a full disk or a read-only folder leaves things as they are."""
        text = json.dumps(
            {name: encode(value) for name, value in outputs.items()}, ensure_ascii=True
        )
        if len(text) <= self._limit // 4:
            self._keep(key, text)

    def _keep(self, key: str, text: str) -> None:
        with self._lock:
            self._waiting[key] = text
            quiet = time.monotonic() - self._flushed >= GATHER_S
            due = quiet or len(self._waiting) >= GATHER or len(text) > 1_000_000
            if due and (self._writer is None or not self._writer.is_alive()):
                self._writer = threading.Thread(target=self._write_out, daemon=True)
                self._writer.start()

    def drop(self, key: str) -> None:
        """Forget what is stored under `key`."""
        self._keep(key, GONE)

    @property
    def is_flushed(self) -> bool:
        """Whether nothing waits to be written."""
        return not (self._waiting or self._leaving or self._used)

    def flush(self) -> None:
        """Write what waits, in one transaction."""
        with self._writes:
            with self._lock:
                self._leaving, self._waiting = self._waiting, {}
                used, self._used = self._used, {}
                self._flushed = time.monotonic()
            if not self._leaving and not used:
                return
            try:
                self._write(self._leaving, used)
            finally:
                with self._lock:
                    self._leaving, self._flushed = {}, time.monotonic()
            if self.size() > self._limit * FULL:
                self.trim()

    def _write_out(self) -> None:
        """Write in a thread, until less waits than is written together."""
        self.flush()
        while len(self._waiting) >= GATHER:
            self.flush()

    def _write(self, results: Mapping[str, str], used: Mapping[str, float]) -> None:
        now = time.time()
        rows = [(key, now, len(text), text) for key, text in results.items() if text != GONE]
        gone = [key for key, text in results.items() if text == GONE]

        def write(file: sqlite3.Connection) -> None:
            if rows:
                file.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", rows)
            if gone:
                file.executemany("DELETE FROM results WHERE key = ?", [(key,) for key in gone])
            if used:
                marks = [(at, key) for key, at in used.items()]
                file.executemany("UPDATE results SET used = ? WHERE key = ?", marks)

        self._change(write, make=bool(rows))
        for key in gone:
            with contextlib.suppress(OSError):
                self._old_path(key).unlink()

    def size(self) -> int:
        """Bytes that the disk really gives for the file of the results."""
        try:
            status = self.path.stat()
        except OSError:
            return 0
        return getattr(status, "st_blocks", 0) * 512 or status.st_size

    def trim(self) -> None:
        """Remove the results unused for longest until the rest fits, with some room to spare."""
        with self._writes:
            self._remove_old_files()
            self._change(self._trim)

    def _trim(self, file: sqlite3.Connection) -> None:
        if self.size() <= self._limit * FULL:
            return
        # Rows take more than their text: pages of which a part is free, and the index.
        held = file.execute("SELECT coalesce(sum(size), 0) FROM results").fetchone()[0]
        spread = max(1.0, self.size() / max(1, held))
        room, gone = self._limit * TRIMMED / spread, []
        for key, size in file.execute("SELECT key, size FROM results ORDER BY used DESC, key DESC"):
            room -= size
            if room < 0:
                gone.append((key,))
        file.executemany("DELETE FROM results WHERE key = ?", gone)
        file.commit()
        file.execute("PRAGMA incremental_vacuum").fetchall()

    # --- the file ---------------------------------------------------------------------------

    def _stored(self, key: str, wait: bool) -> str | None:
        from patchbay.flows.runs.results_file import HeldError, ResultsFile

        if self._to_read is None:
            self._to_read = ResultsFile(self.path, LOOK_S, makes=False)

        def look(file: sqlite3.Connection) -> Any:
            return file.execute(
                "SELECT used, outputs FROM results WHERE key = ?", (key,)
            ).fetchone()

        try:
            row = self._to_read.do(look)
        except HeldError:
            if not wait:
                raise CacheHeldError from None
            with self._writes:
                row = self._change(look)
        if row is None:
            return self._of_old_file(key)
        now = time.time()
        if now - row[0] > USED_S:
            with self._lock:
                self._used[key] = now
        text: str = row[1]
        return text

    def _change(self, work: Callable[[sqlite3.Connection], T], *, make: bool = False) -> T | None:
        """Work on the file, by whoever holds `_writes`; None where that cannot be done."""
        from patchbay.flows.runs.results_file import HeldError, ResultsFile

        if not make and not self.path.exists():
            return None
        if self._to_write is None:
            self._to_write = ResultsFile(self.path, WAIT_S, makes=True)
        try:
            return self._to_write.do(work)
        except HeldError:
            return None

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        self.flush()
        with self._writes:
            for file in (self._to_read, self._to_write):
                if file is not None:
                    file.close()

    # --- what Patchbay 0.1 left -------------------------------------------------------------

    def _old_path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    def _of_old_file(self, key: str) -> str | None:
        try:
            text = self._old_path(key).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None
        with self._lock:
            self._waiting[key] = text
        return text

    def _remove_old_files(self) -> None:
        """They are not written any more, so they go first when room is needed."""
        for path in self.folder.glob("??/*.json"):
            with contextlib.suppress(OSError):
                path.unlink()
        for path in self.folder.glob("??"):
            with contextlib.suppress(OSError):
                path.rmdir()


__all__ = ["DEFAULT_LIMIT", "Cache", "CacheHeldError", "FolderCache"]
