"""What callers thought of answers, checked and kept: see `flows/runs/thumbs.py`."""

from __future__ import annotations

import asyncio
from typing import Any

from patchbay.flows.server.core.refusals import refused
from patchbay.nodes.threads import in_thread


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
        from patchbay.flows.runs.thumbs import LONGEST, keep_thumb

        if isinstance(rating, (bool, float)) or rating not in (1, 0, -1, None):
            raise refused(400, "input/invalid", "A rating is 1, 0 or -1.", "Send 1 or -1.")
        if comment is not None and (not isinstance(comment, str) or len(comment) > LONGEST):
            message = f"A comment is a text of at most {LONGEST:,} characters."
            raise refused(400, "input/invalid", message, "Send less.")
        async with self._lock:
            await in_thread(keep_thumb, run, caller, rating or 0, comment or "")

    async def listed(self, caller: str) -> list[dict[str, Any]]:
        """A caller's, the last first."""
        from patchbay.flows.runs.thumbs import all_thumbs

        found = await in_thread(all_thumbs)
        mine = {one["run"]: one for one in found if one.get("caller") == caller}
        return sorted(mine.values(), key=lambda one: -one["at"])
