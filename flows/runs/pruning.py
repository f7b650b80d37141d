"""Keep the history small: old runs go, and the room that they took is given back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History, PastRun

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Pruned:
    """The runs that went, or would go, and about how many bytes they take.

    `kept` are old runs that stay: they are at work, wait for an answer, or belong to a thread.
    """

    runs: tuple[PastRun, ...]
    size: int
    kept: int


def age_in_seconds(text: str) -> float:
    """An age such as `30d`, `12h`, `90m`, `4w` or `1y`, in seconds.

    Raises:
        FlowError: it is no age.
    """
    found = re.fullmatch(r"\s*(\d{1,6}(?:\.\d{1,3})?)\s*([mhdwy])\s*", text)
    if found is None:
        problem = Problem(
            "usage", f"{text[:40]!r} is not an age.", "Write it as 90m, 12h, 30d, 4w or 1y."
        )
        raise FlowError([problem])
    return float(found[1]) * _UNITS[found[2]]


def prune(history: History, before: float, *, dry: bool = False) -> Pruned:
    """Forget the runs that began before a time and have ended.

    Args:
        history: where they are.
        before: Unix time in seconds.
        dry: only tell what would go.

    Raises:
        FlowError: the disk refuses.
    """
    old = history.before(before)
    threads = history.of_threads()
    gone = [p for p in old if p.status not in ("running", "waiting") and p.id not in threads]
    size = 0
    for start in range(0, len(gone), _AT_ONCE):
        some = [past.id for past in gone[start : start + _AT_ONCE]]
        size += sum(sizes(history, some).values())
        if not dry:
            history.delete(*some)
    if gone and not dry:
        history.compact()
    return Pruned(tuple(gone), size, len(old) - len(gone))


def sizes(history: History, runs: Iterable[str]) -> dict[str, int]:
    """About how many bytes each of these runs takes, as counted when they were written."""
    ids = list(runs)
    table = history.table("run_sizes")

    def read(db: Any) -> dict[str, int]:
        import sqlalchemy as sa

        if not sa.inspect(db).has_table(table.name):
            return {}  # an older history that can only be read
        return {
            row.run: row.bytes for row in db.execute(table.select().where(table.c.run.in_(ids)))
        }

    known: dict[str, int] = history.read(read)
    return dict.fromkeys(ids, 0) | known
