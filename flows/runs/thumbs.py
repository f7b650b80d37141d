"""What people thought of answers: a thumb and a comment for a run, kept one a line.

One file for the server, the studio and whoever makes cases of them.
"""

from __future__ import annotations

import json
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from patchbay.nodes.home import home
from patchbay.nodes.private import private_file, private_folder

LONGEST = 4000
"""Characters of a comment."""
_FILE = "serve-feedback.jsonl"


def keep_thumb(run: str, caller: str, rating: int, comment: str = "") -> None:
    """Keep what somebody thought of a run. Blocks.

    Args:
        run: the run.
        caller: who thought it.
        rating: 1 or -1; 0 takes a thumb back.
        comment: in words.

    Raises:
        OSError: the disk refuses.
    """
    line = {
        "run": run, "caller": caller, "rating": rating, "comment": comment, "at": time.time(),
    }  # fmt: skip
    private_folder(home())
    with private_file(home() / _FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def all_thumbs() -> list[dict[str, Any]]:
    """Every line that was kept, the first one first, without what a kill has cut off. Blocks."""
    path = home() / _FILE
    return _read(path) if path.exists() else []


def _read(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            continue
        if isinstance(one, dict) and "run" in one and "at" in one:
            found.append(one)
    return found


def thumbs_by_run() -> dict[str, dict[str, Any]]:
    """The last thumb of each run, whoever gave it; those that were taken back are left out.

    The file is read when it has grown: each answer of a chat asks, whenever it is drawn.
    """
    path = home() / _FILE
    try:
        status = path.stat()
    except FileNotFoundError:
        return {}
    return dict(_by_run(path, status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=1)
def _by_run(path: Path, modified_ns: int, size: int) -> dict[str, dict[str, Any]]:
    last = {str(one["run"]): one for one in _read(path)}
    return {run: one for run, one in last.items() if one.get("rating") or one.get("comment")}
