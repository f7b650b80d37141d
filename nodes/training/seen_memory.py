"""The memory that a training takes, looked at while it works: an estimate stands before it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

LOOK_S = 0.05


class SeenMemory:
    """The most memory that was seen; 0 before anything was.

    Args:
        card: whether it is that of a graphics card.
    """

    def __init__(self, card: bool = False) -> None:
        import psutil

        self.peak = 0
        self._process = psutil.Process()
        self._card = card
        self._over = threading.Event()

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """Look now and then, in a thread of its own. What is there at the start is not counted."""
        before = self._now()
        thread = threading.Thread(
            target=self._look, args=(before,), name="patchbay-training-memory", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _look(self, before: int) -> None:
        while not self._over.wait(LOOK_S):
            self.peak = max(self.peak, self._now() - before)

    def _now(self) -> int:
        if self._card:
            import torch

            return int(torch.cuda.memory_allocated())
        return int(self._process.memory_info().rss)
