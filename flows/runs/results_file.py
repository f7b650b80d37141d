"""The file of the cache: a connection to it that waits as long as its user may."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from patchbay.nodes.private import private_file, private_folder

T = TypeVar("T")

TABLE = """CREATE TABLE IF NOT EXISTS results
(key TEXT PRIMARY KEY, used REAL NOT NULL, size INTEGER NOT NULL, outputs TEXT NOT NULL)"""


class HeldError(Exception):
    """Somebody else holds the file for longer than may be waited."""


class ResultsFile:
    """One connection. Whoever else of this process uses the file has its own.

    Args:
        path: the file.
        wait_s: how long somebody else may hold it, in seconds.
        makes: whether it makes the file, and its table, where they are not there.
    """

    def __init__(self, path: Path, wait_s: float, *, makes: bool) -> None:
        self.path, self._wait_s, self._makes = path, wait_s, makes
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._is_of: tuple[int, int] | None = None
        """Which file the connection is of: another may stand in its place since."""

    def do(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Work on the file; None where that cannot be done. One that is damaged is begun anew.

        Raises:
            HeldError: somebody else holds it.
        """
        if not self._lock.acquire(timeout=self._wait_s):
            raise HeldError
        try:
            for _ in range(2):
                try:
                    file = self._open()
                    if file is None:
                        return None
                    with file:
                        return work(file)
                except sqlite3.OperationalError as error:
                    if _is_held(error):
                        raise HeldError from None
                    if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                        return None  # full, read-only
                    # No table: yet, or when the file was opened; a connection that saw none goes
                    # on saying so, instead of that the file is held.
                    self._close()
                except OSError:
                    return None
                except sqlite3.Error:
                    self._close()
                    with contextlib.suppress(OSError):
                        self.path.unlink()
            return None
        finally:
            self._lock.release()

    def _open(self) -> sqlite3.Connection | None:
        there = self._there()
        if self._connection is not None and there == self._is_of:
            return self._connection
        self._close()
        if there is None and not self._makes:
            return None
        if self._makes:
            private_folder(self.path.parent)
            private_file(self.path)
        file = sqlite3.connect(self.path, timeout=self._wait_s, check_same_thread=False)
        try:
            if self._makes:
                # No WAL: it does not work between the machines of a cluster. Nothing is waited for
                # on the disk either; what a power cut damages is begun anew.
                file.execute("PRAGMA auto_vacuum = INCREMENTAL")
                file.execute("PRAGMA journal_mode = TRUNCATE")
                file.execute("PRAGMA synchronous = OFF")
                file.execute(TABLE)
        except BaseException:
            file.close()
            raise
        self._connection, self._is_of = file, self._there()
        return file

    def _there(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # the interpreter may be on its way out
            self._close()


def _is_held(error: sqlite3.OperationalError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
