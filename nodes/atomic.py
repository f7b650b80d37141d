"""Write a file so that nobody ever sees half of it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_atomic(path: Path, data: bytes | str) -> None:
    """Replace a file's content in one step; text is written as UTF-8.

    A failure (a full disk, say) leaves the old file whole and no temporary file behind.

    Raises:
        OSError: the file could not be written.
    """
    raw = data.encode("utf-8") if isinstance(data, str) else data
    path.parent.mkdir(parents=True, exist_ok=True)
    # The temporary file lies in the same folder because a rename is only atomic within one disk.
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(path))
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _mode(path: Path) -> int:
    """The rights of the file that is replaced, or those of a new file under the usual umask."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return 0o644
