"""How many texts an embeddings model has cut, told to the one who gave it those texts.

A model is opened once for all nodes that use it, and they may ask it side by side: one counter for
all would tell one node of the texts of another. A call runs in one thread, so that is what counts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class CutTexts(threading.local):
    """The texts that were cut for the thread that asks."""

    _texts = 0

    def add(self, texts: int) -> None:
        """Some more were cut."""
        self._texts += texts

    def take(self) -> int:
        """How many since this thread last asked."""
        texts, self._texts = self._texts, 0
        return texts


def with_cut(model: Any, work: Callable[..., T], *args: Any) -> tuple[T, int]:
    """What some work with a model gives, and how many texts the model cut in it; 0 where it does
    not say. Blocks; the work asks the model in this thread."""
    take = getattr(model, "take_cut", lambda: 0)
    take()
    return work(*args), int(take())
