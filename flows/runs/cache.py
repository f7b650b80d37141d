"""Results by content hash: one small JSON file each, written atomically, bounded in total size.

Several processes may use one folder. A file is complete or absent; a broken one counts as absent.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.private import private_folder
from patchbay.nodes.values import Value, decode, encode

DEFAULT_LIMIT = 1 << 30
"""Bytes that cached results may take together."""

TRIM_EVERY_S = 3600.0
"""How often the size of the folder is looked at, in seconds."""


class Cache(Protocol):
    """Where results are kept."""

    def get(self, key: str) -> dict[str, Any] | None:
        """The outputs stored under `key`, or None."""

    def put(self, key: str, outputs: Mapping[str, Any]) -> None:
        """Store outputs. Never raises for lack of space: a cache that is full stores nothing."""

    def drop(self, key: str) -> None:
        """Forget what is stored under `key`: it is not what the node gives."""


class FolderCache:
    """The cache on disk.

    Args:
        folder: where the files lie; made when first written to.
        types: descriptions that stored values may hold, by tag.
        limit: bytes in total; the results unused for longest are removed first.
    """

    def __init__(
        self,
        folder: Path,
        types: Mapping[str, type[Value]] | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> None:
        self.folder, self._types, self._limit = folder, types, limit
        self._written = 0

    def get(self, key: str) -> dict[str, Any] | None:
        """The outputs stored under `key`, or None. Marks them as used."""
        path = self._path(key)
        try:
            data = json.loads(path.read_bytes())
            outputs = {name: decode(item, self._types) for name, item in data.items()}
        except (OSError, ValueError, AttributeError, TypeError, RecursionError):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return outputs

    def put(self, key: str, outputs: Mapping[str, Any]) -> None:
        """Store outputs atomically; a full disk or a read-only folder leaves things as they are."""
        text = json.dumps(
            {name: encode(value) for name, value in outputs.items()}, ensure_ascii=True
        )
        if len(text) > self._limit // 4:
            return
        with contextlib.suppress(OSError):
            path = self._path(key)
            private_folder(path.parent)
            write_atomic(path, text, durable=False)
            self._written += len(text)
            if self._written > self._limit // 20 or self._due():
                self._written = 0
                self.trim()

    def drop(self, key: str) -> None:
        """Forget what is stored under `key`."""
        with contextlib.suppress(OSError):
            self._path(key).unlink()

    def trim(self) -> None:
        """Remove the results unused for longest until the rest fits."""
        (self.folder / "trimmed").touch(0o600)
        entries = []
        for path in self.folder.glob("??/*.json"):
            with contextlib.suppress(OSError):
                stat = path.stat()
                entries.append((stat.st_mtime_ns, stat.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self._limit:
                return
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size

    def _due(self) -> bool:
        try:
            return time.time() - (self.folder / "trimmed").stat().st_mtime > TRIM_EVERY_S
        except OSError:
            return True

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"
