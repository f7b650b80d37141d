"""Whether a file is still the one that was read."""

from __future__ import annotations

import os
from pathlib import Path


def file_stamp(path: Path) -> tuple[int, int] | None:
    """When a file was last written, in nanoseconds, and its size in bytes; None where it is not
    there or cannot be looked at. Another stamp: read it again."""
    try:
        found = os.stat(path)  # noqa: PTH116 - looked at often
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
