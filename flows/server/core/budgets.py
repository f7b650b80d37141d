"""What each caller has used: requests, tokens and seconds, against what it may use.

Counted in this process since it started; a day is 24 hours, and slides.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from patchbay.flows.server.core.keys import Caller
from patchbay.flows.server.core.refusals import refused

MINUTE, DAY = 60.0, 86_400.0
_PARTS = 24
"""A day is counted in so many parts: a busy caller takes no more memory than a quiet one."""


@dataclass(slots=True)
class _Used:
    minute: deque[float] = field(default_factory=deque)
    parts: deque[list[float]] = field(default_factory=deque)
    """Begin, requests, tokens and seconds of each part of the last day."""


class Budgets:
    """Counts what callers use.

    Args:
        clock: gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: dict[str, _Used] = {}

    def begin(self, caller: Caller) -> None:
        """Count a request.

        Raises:
            RefusedError: the caller has used up what it may use.
        """
        if not any(limit is not None for _, limit, _ in _limits(caller)) and (
            caller.requests_a_minute is None
        ):
            return
        now, used = self._clock(), self._used.setdefault(caller.name, _Used())
        while used.minute and used.minute[0] <= now - MINUTE:
            used.minute.popleft()
        if (most := caller.requests_a_minute) is not None and len(used.minute) >= most:
            wait = used.minute[0] + MINUTE - now if used.minute else MINUTE
            raise _too_many(caller, f"{most} requests a minute", wait)
        part = self._part(used, now)
        for place, limit, words in _limits(caller):
            if limit is not None and sum(p[place] for p in used.parts) >= limit:
                raise _too_many(caller, f"{limit} {words} a day", used.parts[0][0] + DAY - now)
        used.minute.append(now)
        part[1] += 1

    def spent(self, caller: Caller, tokens: int, seconds: float) -> None:
        """Count what a run took."""
        if used := self._used.get(caller.name):
            part = self._part(used, self._clock())
            part[2] += tokens
            part[3] += seconds

    def _part(self, used: _Used, now: float) -> list[float]:
        while used.parts and used.parts[0][0] <= now - DAY:
            used.parts.popleft()
        if not used.parts or used.parts[-1][0] <= now - DAY / _PARTS:
            used.parts.append([now, 0, 0, 0])
        return used.parts[-1]


def _limits(caller: Caller) -> Iterator[tuple[int, int | None, str]]:
    yield 1, caller.requests_a_day, "requests"
    yield 2, caller.tokens_a_day, "tokens"
    yield 3, caller.seconds_a_day, "seconds"


def _too_many(caller: Caller, what: str, wait_s: float) -> Exception:
    return refused(
        429,
        "serve/budget",
        f'The key of "{caller.name}" is good for {what}, and they are used up.',
        "Wait, or ask the owner of the server for more.",
        retry_s=max(1, round(wait_s + 0.5)),
    )
