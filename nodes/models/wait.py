"""Waiting in a thread that may be told to stop."""

from __future__ import annotations

import time

STEP_S = 0.1


def sleep(seconds: float) -> None:
    """Wait in short steps: what is raised in this thread from outside comes between them."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, STEP_S))
