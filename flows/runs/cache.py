"""Results by content hash: one SQLite file, shared by processes, bounded in what the disk gives.

A file for each result cost a block of the disk each, two and more for every item of a for-each, and
every look at the size went through all of them. What can be lost is only what can be made again: a
file that is damaged is begun anew, and a disk that refuses costs the entry only.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from patchbay.nodes.private import private_file, private_folder
from patchbay.nodes.values import Value, decode, encode

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")

DEFAULT_LIMIT = 1 << 30
"""Bytes of the disk that cached results may take together."""

WAIT_S = 2.0
"""How long another process may hold the file, in seconds; then it counts as having nothing."""
GATHER_S = 0.1
"""Results that come quicker than this after each other are written together, in seconds."""
GATHER = 64
"""As many results are written together, at most."""
USED_S = 3600.0
"""That an entry was used is noted at most this often, in seconds."""
FULL, TRIMMED = 1.0, 0.8
"""At which share of the limit the longest unused are removed, and down to which."""

TABLE = """CREATE TABLE IF NOT EXISTS results
(key TEXT PRIMARY KEY, used REAL NOT NULL, size INTEGER NOT NULL, outputs TEXT NOT NULL)"""


class Cache(Protocol):
    """Where results are kept."""

    def get(self, key: str) -> dict[str, Any] | None:
        """The outputs stored under `key`, or None."""

    def put(self, key: str, outputs: Mapping[str, Any]) -> None:
        """Store outputs. Never raises for lack of space: a cache that is full stores nothing."""

    def drop(self, key: str) -> None:
        """Forget what is stored under `key`: it is not what the node gives."""

    def flush(self) -> None:
        """Make sure that what was stored outlives the process. Called at the end of a run."""


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
        self._file: sqlite3.Connection | None = None
        self._lock = threading.RLock()
        self._waiting: dict[str, str] = {}
        self._used: dict[str, float] = {}
        self._flushed = 0.0

    def get(self, key: str) -> dict[str, Any] | None:
        """The outputs stored under `key`, or None. Marks them as used."""
        with self._lock:
            text = self._waiting.get(key)
            if text is None:
                text = self._stored(key)
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
        if len(text) > self._limit // 4:
            return
        with self._lock:
            self._waiting[key] = text
            quiet = time.monotonic() - self._flushed >= GATHER_S
            if quiet or len(self._waiting) >= GATHER or len(text) > 1_000_000:
                self.flush()

    def drop(self, key: str) -> None:
        """Forget what is stored under `key`."""
        with self._lock:
            self._waiting.pop(key, None)
            self._do(lambda file: file.execute("DELETE FROM results WHERE key = ?", (key,)))
        with contextlib.suppress(OSError):
            self._old_path(key).unlink()

    def flush(self) -> None:
        """Write what waits, in one transaction."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            used, self._used = self._used, {}
            if not waiting and not used:
                return
            now = time.time()
            rows = [(key, now, len(text), text) for key, text in waiting.items()]

            def write(file: sqlite3.Connection) -> None:
                if rows:
                    file.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", rows)
                if used:
                    marks = [(at, key) for key, at in used.items()]
                    file.executemany("UPDATE results SET used = ? WHERE key = ?", marks)

            self._do(write, make=True)
            self._flushed = time.monotonic()
            if self.size() > self._limit * FULL:
                self.trim()

    def size(self) -> int:
        """Bytes that the disk really gives for the file of the results."""
        try:
            status = self.path.stat()
        except OSError:
            return 0
        return getattr(status, "st_blocks", 0) * 512 or status.st_size

    def trim(self) -> None:
        """Remove the results unused for longest until the rest fits, with some room to spare."""
        with self._lock:
            self._remove_old_files()
            self._do(self._trim)

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

    def _stored(self, key: str) -> str | None:
        row = self._do(
            lambda file: file.execute(
                "SELECT used, outputs FROM results WHERE key = ?", (key,)
            ).fetchone()
        )
        if row is None:
            return self._of_old_file(key)
        now = time.time()
        if now - row[0] > USED_S:
            self._used[key] = now
        text: str = row[1]
        return text

    def _do(self, work: Callable[[sqlite3.Connection], T], *, make: bool = False) -> T | None:
        """Work on the file; None where that cannot be done. One that is damaged is begun anew."""
        import sqlite3

        for again in (True, False):
            try:
                file = self._open(make)
                if file is None:
                    return None
                with file:
                    return work(file)
            except (sqlite3.OperationalError, OSError):
                return None  # full, read-only, held by another process
            except sqlite3.Error:
                self._begin_anew()
                if not again:
                    return None
        return None

    def _open(self, make: bool) -> sqlite3.Connection | None:
        import sqlite3

        if self._file is not None:
            return self._file
        if not make and not self.path.exists():
            return None
        private_folder(self.folder)
        private_file(self.path)
        file = sqlite3.connect(self.path, timeout=WAIT_S, check_same_thread=False)
        try:
            # No WAL: it does not work between the machines of a cluster. Nothing is waited for on
            # the disk either; what a power cut damages is begun anew.
            file.execute("PRAGMA auto_vacuum = INCREMENTAL")
            file.execute("PRAGMA journal_mode = TRUNCATE")
            file.execute("PRAGMA synchronous = OFF")
            file.execute(TABLE)
        except BaseException:
            file.close()
            raise
        self._file = file
        return file

    def _begin_anew(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        with contextlib.suppress(OSError):
            self.path.unlink()

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        with self._lock:
            self.flush()
            if self._file is not None:
                self._file.close()
                self._file = None

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # the interpreter may be on its way out
            if self._file is not None:
                self._file.close()

    # --- what Patchbay 0.1 left -------------------------------------------------------------

    def _old_path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    def _of_old_file(self, key: str) -> str | None:
        try:
            text = self._old_path(key).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None
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


__all__ = ["DEFAULT_LIMIT", "Cache", "FolderCache"]
