"""The runs that this server has at work, and those that ended a while ago and can be read again."""

from __future__ import annotations

import asyncio
import contextlib

from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.settings import Settings

_MOST_KEPT = 500
_AGAIN_S = 60.0


class LiveRuns(dict[str, ServedRun]):
    """Runs by their ids. One that ended is kept for whoever reads its events, for a while.

    Args:
        settings: how long, and how much of them.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self.ended: list[str] = []
        """Those that have ended, the first first."""

    def over(self, live: ServedRun) -> None:
        """A run has ended."""
        if not live.follow:
            self.pop(live.id, None)
            return
        self.ended.append(live.id)
        kept = sum(self[old].weight for old in self.ended if old in self)
        for old in list(self.ended):
            if kept <= self._settings.keep:
                break
            kept -= self[old].weight if old in self else 0
            self._forget(old)
        for old in self.ended[: max(0, len(self.ended) - _MOST_KEPT)]:
            self._forget(old)
        with contextlib.suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            loop.call_later(self._settings.keep_s, self._forget, live.id)

    def _forget(self, run: str) -> None:
        """A run that ended long ago; what is recorded of it stays."""
        live = self.get(run)
        if run in self.ended:
            self.ended.remove(run)
        if live is None or not live.ended:
            return
        if live.readers:  # one who reads slowly, or not at all, leaves in a minute
            self.ended.append(run)
            asyncio.get_running_loop().call_later(_AGAIN_S, self._forget, run)
        else:
            del self[run]
