"""The end of the server, for streams to pages, which have no end of their own.

uvicorn waits until every answer that it has begun is complete. As long as a page of the studio was
open somewhere, Ctrl+C did not end the server: what tells the page the news is such an answer.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable


class ServerEnd:
    """Tells whoever wants to hear it that the server is about to end."""

    def __init__(self) -> None:
        self._told: list[Callable[[], None]] = []
        self._begun = False

    def hear(self, told: Callable[[], None]) -> Callable[[], None]:
        """Call `told`, in the main thread, when it ends; at once where it does already.

        Returns how to hear no more.
        """
        self._told.append(told)
        if self._begun:
            told()
        return lambda: self._told.remove(told)

    def begin(self) -> None:
        """The server ends: tell all."""
        self._begun = True
        for told in tuple(self._told):
            told()

    def watch(self) -> None:
        """Begin with the signals that end the server; what they do besides stays as it is."""
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number)
            if not callable(before):  # ignored, or the process ends at once
                continue

            def both(number: int, frame: object, before: Callable[..., object] = before) -> None:
                self.begin()
                before(number, frame)

            with contextlib.suppress(ValueError):  # not the main thread: somebody else's server
                signal.signal(number, both)


ending = ServerEnd()
"""That of this process."""
