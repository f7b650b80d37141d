"""What this machine gives: the memory that models may take."""

from __future__ import annotations

import contextlib
from pathlib import Path

CGROUP_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


def allowed_memory() -> int:
    """Memory that opened models may take together in bytes: four fifths of `memory_limit()`."""
    return memory_limit() * 4 // 5


def memory_limit() -> int:
    """Memory that this process may use in bytes: the machine's, or its container's if less."""
    import psutil

    limits = [int(psutil.virtual_memory().total)]
    for name in CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError):
            limits.append(int(Path(name).read_text(encoding="ascii")))
    return min(limits)
