"""Chroma, as a library: one folder, no server, no telemetry, no embedding function of its own."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

DATABASE = "chroma.sqlite3"
"""The file in its folder that every database has."""

_LOCK = threading.Lock()
_OPENED: dict[str, tuple[int, int]] = {}
"""Folder → the number of the file that was opened there last, and how often it was another one."""


def open_chroma(folder: Path) -> Any:
    """A client of the database in a folder. Close it after use.

    Raises:
        Exception: what Chroma raises where the folder holds no database that it can read.
    """
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False, chroma_otel_collection_endpoint="")
    path = _spelled(folder)
    try:
        return chromadb.PersistentClient(path, settings=settings)
    except BaseException:
        _forget(path)
        raise


def _spelled(folder: Path) -> str:
    """The path, spelled otherwise for each database that was made anew there.

    Chroma 1.5 shares what it has open between all clients of one spelling: a client of a folder
    that was deleted and made again, while somebody holds the old one, looks into both.
    """
    place = str(folder)
    with _LOCK:
        last, others = _OPENED.get(place, (0, 0))
        with contextlib.suppress(OSError):  # there is no database yet
            if (file := (folder / DATABASE).stat().st_ino) != last:
                others += last != 0
                _OPENED[place] = (file, others)
    return place + "/." * others


def _forget(identifier: str) -> None:
    """Make Chroma 1.5 forget a client that did not start: it would hand it out again for its path,
    even when the folder has been made anew."""
    from chromadb.api.shared_system_client import SharedSystemClient as Shared

    with contextlib.suppress(AttributeError):  # names of its own, which may change
        Shared._identifier_to_system.pop(identifier, None)
        Shared._identifier_to_refcount.pop(identifier, None)
