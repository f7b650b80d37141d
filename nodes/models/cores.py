"""How many threads compute, and how they wait for each other on cores that others use too."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping


def share_cores(env: MutableMapping[str, str] = os.environ) -> None:
    """Let llama.cpp's threads sleep soon when they wait for each other.

    By default they spin for milliseconds, which on cores that others use too makes answers ten
    times slower (seen: 21 s against 2.5 s). OpenMP reads this once, when the wheel is imported.
    """
    if "OMP_WAIT_POLICY" not in env:
        env.setdefault("GOMP_SPINCOUNT", "1000")


def computing_threads(env: Mapping[str, str] = os.environ) -> int | None:
    """How many threads `OMP_NUM_THREADS` allows, which torch and numpy obey by themselves.

    None where it says nothing, or no number from 1 on.
    """
    first = env.get("OMP_NUM_THREADS", "").partition(",")[0].strip()  # a list is by nesting
    return int(first) if first.isdecimal() and int(first) else None
