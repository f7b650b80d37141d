"""How far a batch is, how fast, and how long it still takes."""

from __future__ import annotations

import time

from patchbay.flows.batch.rows import Rows
from patchbay.flows.batch.spool import BatchDone
from patchbay.nodes.units import duration

MEMORY_S = 20.0
"""The rate is that of about so many of the last seconds."""


class BatchProgress:
    """Counts, rate and time left of a batch at work.

    Args:
        done: what it has done; looked at anew each time.
        rows: where its rows come from.
    """

    def __init__(self, done: BatchDone, rows: Rows) -> None:
        self.done, self._rows = done, rows
        self._marks: list[tuple[float, int, float | None]] = [(time.monotonic(), self.count, None)]

    @property
    def count(self) -> int:
        """Rows that are done, failed ones too."""
        return self.done.rows + self.done.failed

    def share(self) -> float | None:
        """How much of it is done, 0 to 1; None where nothing says how much there is."""
        total = self._rows.total
        if total is None:
            return self._rows.share()
        return min(1.0, self.count / total) if total else 1.0

    def words(self) -> str:
        """`12,345 of 1,000,000 rows · 1,230 rows/s · 13 min left · 3 failed`."""
        now, count, share = time.monotonic(), self.count, self._rows.share()
        self._marks.append((now, count, share))
        while len(self._marks) > 2 and now - self._marks[1][0] > MEMORY_S:
            self._marks.pop(0)
        then, before, share_then = self._marks[0]
        rate = (count - before) / (now - then) if now > then else 0.0
        total = self._rows.total
        parts = [f"{count:,} rows" if total is None else f"{count:,} of {total:,} rows"]
        if rate:
            parts.append(f"{rate:,.0f} rows/s" if rate >= 2 else f"{rate * 60:,.0f} rows/min")
        left = None
        if total is not None and rate:
            left = (total - count) / rate
        elif share is not None and share_then is not None and share > share_then:
            left = (1 - share) / (share - share_then) * (now - then)
        if left is not None:
            parts.append(f"{duration(max(0.0, left))} left")
        if self.done.failed:
            parts.append(f"{self.done.failed:,} failed")
        return " · ".join(parts)
