"""The events of a past run that its page shows: some at a time, whatever their number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.paging import count, latest_of_nodes, page

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History


@dataclass(frozen=True, slots=True)
class Shown:
    """A part of the events of a run.

    `numbers` are theirs in the history; `known` says what the nodes were doing before them, `last`
    is the last event of the run, `total` how many there are, and `later` how many follow.
    """

    events: list[dict[str, Any]]
    numbers: list[int]
    known: list[dict[str, Any]]
    last: dict[str, Any]
    total: int
    later: int

    @property
    def whole(self) -> bool:
        """Whether these are all."""
        return self.total <= len(self.events)

    @property
    def at_end(self) -> bool:
        """Whether nothing follows."""
        return self.later == 0

    @property
    def first(self) -> int:
        """The place of the first of them, counted from 1."""
        return max(1, self.total - self.later - len(self.events) + 1)

    @property
    def before(self) -> tuple[int, int]:
        """What `shown_of` takes for the part before this one."""
        return self.numbers[0], self.later + len(self.events)

    @property
    def words(self) -> str:
        """Which ones these are."""
        until = self.first + len(self.events) - 1
        return f"Events {self.first:,} to {until:,} of {self.total:,}"


def shown_of(history: History, run: str, before: tuple[int, int] | None) -> Shown:
    """The last events of a run, or those before one.

    Args:
        history: where it is recorded.
        run: its id.
        before: the number of an event in the history, and how many follow what comes before it.
    """
    at, later = before or (None, 0)
    found = page(history, run, before=at)
    numbers = [number for number, _ in found]
    last = page(history, run, limit=1) if later else found[-1:]
    total = max(count(history, run), len(found) + later)
    known = latest_of_nodes(history, run, numbers[0]) if total > len(found) + later else []
    events = [event for _, event in found]
    return Shown(events, numbers, known, last[0][1] if last else {}, total, later)
