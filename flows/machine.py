"""What this machine gives: the memory that models may take."""

from __future__ import annotations

import contextlib
from pathlib import Path

CGROUP_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


def allowed_memory(gpu: int | None = None) -> int:
    """Memory that opened models may take together in bytes: four fifths of `memory_limit()`.

    Args:
        gpu: the place of a graphics card whose memory is meant; None for the machine's own.
    """
    from patchbay.nodes import gpus

    of_card = None if gpu is None else gpus.allowed_on(gpu)
    return memory_limit() * 4 // 5 if of_card is None else of_card


def give_back() -> None:
    """Hand memory that was freed back to the system, where a library keeps it otherwise.

    torch keeps that of graphics cards.

    glibc keeps freed memory in its arenas for the process (`malloc_trim(3)`); others have no such
    call, and nothing is done.
    """
    import ctypes

    from patchbay.nodes import gpus

    gpus.give_back()
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
