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


def give_back() -> None:
    """Hand memory that was freed back to the system, where its C library keeps it otherwise.

    glibc keeps freed memory in its arenas for the process (`malloc_trim(3)`); others have no such
    call, and nothing is done.
    """
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def memory_limit() -> int:
    """Memory that this process may use in bytes: the machine's, or its container's if less."""
    import psutil

    limits = [int(psutil.virtual_memory().total)]
    for name in CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError):
            limits.append(int(Path(name).read_text(encoding="ascii")))
    return min(limits)
