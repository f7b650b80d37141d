"""The runs that this process knows: found by id or by the page they show on, and heard of there."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from patchbay.flows.runs.running import Run
from patchbay.studio.runs.live_run import Listener, LiveRun

PASTS = 20
"""How many recorded runs are remembered for pages that show them."""
KEPT = 40
"""How many ended runs are remembered with all they gave; the rest is in the history."""


class KnownRuns:
    """Runs, of which a flow shows each person the latest."""

    def __init__(self) -> None:
        self._runs: dict[str, LiveRun] = {}
        self._latest: dict[tuple[str, str], str] = {}
        self._listeners: dict[tuple[str, str], list[Listener]] = {}
        self._lock = threading.RLock()

    def get(self, run_id: str) -> LiveRun | None:
        """A run of this process by id."""
        with self._lock:
            return self._runs.get(run_id)

    def latest(self, document: str, owner: str) -> LiveRun | None:
        """The latest run that this person started of this flow."""
        with self._lock:
            return self._runs.get(self._latest.get((document, owner), ""))

    def show_past(self, live: LiveRun, document: str, owner: str) -> None:
        """Have a document show a recorded run to this person: its values are asked for as those of
        the latest run are. The pages that were opened last are remembered."""
        key = f"past:{document}"
        with self._lock:
            self._runs[key] = live
            self._latest[document, owner] = key
            pasts = [place for place, run in self._latest.items() if run.startswith("past:")]
            for place in pasts[:-PASTS]:
                self._runs.pop(self._latest.pop(place), None)

    def clear(self, document: str, owner: str) -> None:
        """Forget the latest run of a flow, so that its page shows none."""
        with self._lock:
            self._latest.pop((document, owner), None)

    def subscribe(self, document: str, owner: str, listener: Listener) -> Callable[[], None]:
        """Hear of this person's runs of this flow, first how far it is now. Returns the way out."""
        key = (document, owner)
        with self._lock:
            live = self.latest(document, owner)
            for message in live.progress.messages(live.id) if live else ({"reset": True},):
                listener(message)
            self._listeners.setdefault(key, []).append(listener)

        def leave() -> None:
            with self._lock, contextlib.suppress(KeyError, ValueError):
                self._listeners[key].remove(listener)
                if not self._listeners[key]:
                    del self._listeners[key]

        return leave

    def hear(
        self, run_id: str, hearer: Listener
    ) -> tuple[LiveRun, list[dict[str, Any]], Callable[[], None]] | None:
        """Hear of one run, event by event in JSON form: those so far without the passing ones
        (pieces of texts, progress), then every one. Returns the run, those, and the way out; None
        where this process has no such run.

        Args:
            run_id: the run.
            hearer: takes each event, on the thread of the runs. Must not block.
        """
        with self._lock:
            live = self._runs.get(run_id)
            if live is None:
                return None
            before = list(live.events)
            live.hearers.append(hearer)

        def leave() -> None:
            with self._lock, contextlib.suppress(ValueError):
                live.hearers.remove(hearer)

        return live, before, leave

    def _enter(self, live: LiveRun) -> None:
        """Know a run that begins. The one before it, of the same flow and person, is stopped."""
        with self._lock:
            before = self.latest(live.document, live.owner)
            if before and before.active:
                before.run.cancel()
            self._runs[live.id] = live
            self._latest[live.document, live.owner] = live.id
            self._forget()

    def _forget(self) -> None:
        ended = [run_id for run_id, live in self._runs.items() if not live.active]
        shown = set(self._latest.values())
        for run_id in [r for r in ended if r not in shown][: max(0, len(ended) - KEPT)]:
            del self._runs[run_id]

    def _beside(self, live: LiveRun) -> list[Run]:
        """Other runs that are at work, and are not about to stop."""
        with self._lock:
            others = [other for other in self._runs.values() if other is not live]
        return [one.run for one in others if one.active and not one.run.cancel_asked]

    def _tell(self, live: LiveRun, message: dict[str, Any]) -> None:
        """Tell whoever looks at the flow of a run, if it is the latest."""
        with self._lock:
            if self._latest.get((live.document, live.owner)) != live.id:
                return  # an older run that is just ending
            listeners = list(self._listeners.get((live.document, live.owner), ()))
        for listener in listeners:
            with contextlib.suppress(Exception):  # a gone page must not end the run
                listener(message)

    def _heard(self, live: LiveRun, told: dict[str, Any], *, passing: bool = False) -> None:
        """Keep an event, unless it is passing, and tell whoever hears of all."""
        if not passing:
            live.events.append(told)
        for hearer in live.hearers:
            with contextlib.suppress(Exception):  # a gone page must not end the run
                hearer(told)
