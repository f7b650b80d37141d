"""Chroma, as a library: one folder, no server, no telemetry, no embedding function of its own."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any


def open_chroma(folder: Path) -> Any:
    """A client of the database in a folder. Close it after use.

    Raises:
        Exception: what Chroma raises where the folder holds no database that it can read.
    """
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False, chroma_otel_collection_endpoint="")
    try:
        return chromadb.PersistentClient(str(folder), settings=settings)
    except BaseException:
        _forget(str(folder))
        raise


def _forget(identifier: str) -> None:
    """Make Chroma 1.5 forget a client that did not start: it would hand it out again for its path,
    even when the folder has been made anew."""
    from chromadb.api.shared_system_client import SharedSystemClient as Shared

    with contextlib.suppress(AttributeError):  # names of its own, which may change
        Shared._identifier_to_system.pop(identifier, None)
        Shared._identifier_to_refcount.pop(identifier, None)
