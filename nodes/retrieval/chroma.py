"""Chroma, as a library: one folder, no server, no telemetry, no embedding function of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def open_chroma(folder: Path) -> Any:
    """A client of the database in a folder. Close it after use."""
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False, chroma_otel_collection_endpoint="")
    return chromadb.PersistentClient(str(folder), settings=settings)
