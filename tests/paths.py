"""Where a process that a test starts finds our packages."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def python_path(*folders: Path) -> str:
    """`PYTHONPATH` with these folders first, then whatever this process was given."""
    given = os.environ.get("PYTHONPATH")
    return os.pathsep.join([*map(str, folders), *([given] if given else [])])
