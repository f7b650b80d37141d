"""Fetching weights in the background, for the models page."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cache

from patchbay.nodes.contract import NodeError


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

    def cancel(self) -> None:
        """Stop; what was fetched is kept for the next time."""
        self._stop.set()

    def report(self, label: str, done: float, total: float | None) -> None:
        """What the fetch tells of itself."""
        if self._stop.is_set():
            raise Stopped
        self.label, self.done, self.total = label, done, total

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


@cache
def pulls() -> Pulls:
    """The process's fetches."""
    return Pulls()
