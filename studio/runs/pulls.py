"""Fetching weights in the background, for the models page."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from patchbay.nodes.contract import NodeError
from patchbay.nodes.units import duration, size_in_words

SURE_S = 2.0
"""Seconds after which a rate says something."""


class Stopped(Exception):  # noqa: N818 - not an error: somebody asked for it
    """Ends a fetch that somebody stopped."""


@dataclass
class Pull:
    """One fetch. `done` and `total` are in bytes."""

    name: str
    label: str = ""
    done: float = 0.0
    total: float | None = None
    error: str = ""
    active: bool = True
    _stop: threading.Event = field(default_factory=threading.Event)
    _since: tuple[str, float, float] | None = None
    """What it is at, when that began (monotonic, in seconds), and how far it was then."""

    def cancel(self) -> None:
        """Stop; what was fetched is kept for the next time."""
        self._stop.set()

    def report(self, label: str, done: float, total: float | None) -> None:
        """What the fetch tells of itself."""
        if self._stop.is_set():
            raise Stopped
        now = time.monotonic()
        if self._since is None or self._since[0] != label or done < self._since[2]:
            self._since = (label, now, done)
        self.label, self.done, self.total = label, done, total

    def rate_words(self, now: float | None = None) -> str:
        """`, 3.2 MB a second, 40 s left`; "" where that cannot be told yet. `now` is monotonic."""
        if self._since is None:
            return ""
        _, began, before = self._since
        passed = (time.monotonic() if now is None else now) - began
        if passed < SURE_S or self.done <= before:
            return ""
        rate = (self.done - before) / passed
        words = f", {size_in_words(rate)} a second"
        left = (self.total - self.done) / rate if self.total else None
        return f"{words}, {duration(max(1.0, left))} left" if left is not None else words

    def work(self) -> None:
        """Fetch. Runs in a thread."""
        from patchbay.nodes.weights.resolve import resolve

        try:
            resolve(self.name, self.report)
        except Stopped:
            self.error = ""
        except NodeError as error:
            self.error = f"{error.message} {error.fix}".strip()
        except Exception as error:  # it must show on the page, whatever it is
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self.active = False


class Pulls:
    """The fetches of this process, by what is fetched."""

    def __init__(self) -> None:
        self._pulls: dict[str, Pull] = {}
        self._lock = threading.Lock()

    def start(self, name: str) -> Pull:
        """Begin, unless it is under way."""
        with self._lock:
            pull = self._pulls.get(name)
            if pull is None or not pull.active:
                pull = self._pulls[name] = Pull(name)
                threading.Thread(target=pull.work, name=f"pull {name}", daemon=True).start()
            return pull

    def get(self, name: str) -> Pull | None:
        """The latest fetch of this."""
        return self._pulls.get(name)

    def all(self) -> list[Pull]:
        """All that are under way or went wrong."""
        with self._lock:
            return [p for p in self._pulls.values() if p.active or p.error]


_pulls = Pulls()


def pulls() -> Pulls:
    """The process's fetches."""
    return _pulls
