"""What people thought of answers: a thumb and a comment for a run, kept one a line.

One file for the server, the studio and whoever makes cases of them.
"""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from patchbay.nodes.file_stamp import file_stamp
from patchbay.nodes.home import home
from patchbay.nodes.json_lines import add_json_line, json_lines

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
    add_json_line(home() / _FILE, line)


def all_thumbs() -> list[dict[str, Any]]:
    """Every line that was kept, the first one first, without what a kill has cut off. Blocks."""
    return _read(home() / _FILE)


def _read(path: Path) -> list[dict[str, Any]]:
    return [one for one in json_lines(path) if "run" in one and "at" in one]


def thumbs_by_run() -> dict[str, dict[str, Any]]:
    """The last thumb of each run, whoever gave it; those that were taken back are left out.

    The file is read when it has grown: each answer of a chat asks, whenever it is drawn.
    """
    path = home() / _FILE
    stamp = file_stamp(path)
    return dict(_by_run(path, stamp)) if stamp else {}


@lru_cache(maxsize=1)
def _by_run(path: Path, _stamp: tuple[int, int]) -> dict[str, dict[str, Any]]:
    last = {str(one["run"]): one for one in _read(path)}
    return {run: one for run, one in last.items() if one.get("rating") or one.get("comment")}
