"""The sessions of MCP's clients: of each caller so many, since many clients leave theirs lying."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

MOST = 1_000
"""Sessions of one caller. Each takes 65 kB, for half an hour after its last call."""


@dataclass(slots=True)
class _Session:
    caller: str
    busy: int = 0
    """How many requests of it are answered just now."""


class Sessions:
    """Knows the sessions in the order of their last use. Those that have ended by themselves are
    forgotten with the rest: they are the first to go."""

    def __init__(self) -> None:
        self._known: dict[str, _Session] = {}

    def begun(self, id: str, caller: str) -> None:
        """A session begins."""
        self._known[id] = _Session(caller)

    def ended(self, id: str, caller: str) -> None:
        """It is over, as its caller says."""
        if id in self._known and self._known[id].caller == caller:
            del self._known[id]

    @contextlib.contextmanager
    def using(self, id: str, caller: str) -> Iterator[None]:
        """A request of a session is answered within the block."""
        one = self._known.get(id)
        if one is None or one.caller != caller:
            yield
            return
        self._known[id] = self._known.pop(id)  # the last now
        one.busy += 1
        try:
            yield
        finally:
            one.busy -= 1

    def too_many(self, caller: str) -> list[str]:
        """The sessions of a caller that are to end before another one begins: those that have not
        been used for longest, and that nobody waits for."""
        mine = [id for id, one in self._known.items() if one.caller == caller]
        idle = [id for id in mine if not self._known[id].busy]
        return idle[: max(0, len(mine) + 1 - MOST)]
