"""What people thought of answers: a thumb and a comment for a run, kept one a line."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from patchbay.flows.server.core.refusals import refused
from patchbay.nodes.home import home
from patchbay.nodes.private import private_file, private_folder
from patchbay.nodes.threads import in_thread

LONGEST = 4000
"""Characters of a comment."""


class Feedback:
    """The thumbs of all runs, in a file of the owner's. The last one for a run counts."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def keep(self, run: str, caller: str, rating: int | None, comment: Any = None) -> None:
        """Keep what somebody thought.

        Args:
            run: the run.
            caller: whose run it is.
            rating: 1 or -1; 0 or None takes a thumb back.
            comment: in words; None for nothing.

        Raises:
            RefusedError: it is no thumb, or the comment is no text or too long.
        """
        if isinstance(rating, (bool, float)) or rating not in (1, 0, -1, None):
            raise refused(400, "input/invalid", "A rating is 1, 0 or -1.", "Send 1 or -1.")
        if comment is not None and (not isinstance(comment, str) or len(comment) > LONGEST):
            message = f"A comment is a text of at most {LONGEST:,} characters."
            raise refused(400, "input/invalid", message, "Send less.")
        line = {"run": run, "caller": caller, "rating": rating or 0, "comment": comment or ""}
        async with self._lock:
            await in_thread(_append, {**line, "at": time.time()})

    async def listed(self, caller: str) -> list[dict[str, Any]]:
        """A caller's, the last first."""
        found = await in_thread(_read)
        mine = {one["run"]: one for one in found if one.get("caller") == caller}
        return sorted(mine.values(), key=lambda one: -one["at"])


def _append(line: dict[str, Any]) -> None:
    private_folder(home())
    path = private_file(home() / "serve-feedback.jsonl")
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _read() -> list[dict[str, Any]]:
    path = home() / "serve-feedback.jsonl"
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            continue  # cut off by a kill
        if isinstance(one, dict) and "run" in one and "at" in one:
            found.append(one)
    return found
