"""A home folder of Patchbay's own for what is measured; weights of models stay where they are."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def home_at(folder: str | Path) -> Iterator[Path]:
    """Have this folder be the home, and the cache in it, also for processes begun meanwhile."""
    before = os.environ.get("PATCHBAY_HOME")
    os.environ["PATCHBAY_HOME"] = str(folder)
    try:
        yield Path(folder)
    finally:
        del os.environ["PATCHBAY_HOME"]
        os.environ.update({} if before is None else {"PATCHBAY_HOME": before})
