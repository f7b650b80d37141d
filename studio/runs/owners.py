"""Who started which run."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path


def owners_in(file: Path | None) -> dict[str, str]:
    """Who started which run, of those that a studio started. Others belong to everybody."""
    found: dict[str, str] = {}
    if file is not None and file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                data = json.loads(line)
                found[data["run"]] = data["owner"]
    return found
