"""Standard output and standard error below Python: what child processes and C libraries write.

Where a program reads standard output (`--json`, `--events`), only what is meant for it goes there;
whatever else is written to descriptor 1, by `print` in a plugin or by a child process, goes to
standard error. As soon as a run is given a secret, both descriptors pass through the blackout: not
before, so that the last words of a process that crashes are not lost for nothing.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
import threading
from typing import TextIO

from patchbay.flows.blackout import EVERYWHERE, BlackedOut

_JOIN_S = 2.0
"""A child that outlives the command may hold a pipe open; it is not waited for longer."""

_PIECE = 65_536


class Outlets:
    """The two ways out of this process. `close()` them before it ends.

    Args:
        for_program: whether a program reads standard output, as JSON.
    """

    def __init__(self, *, for_program: bool) -> None:
        self._pumps: list[_Pump] = []
        self._lock = threading.Lock()
        self.answers: BlackedOut | None = None
        """Where answers are written, if that is another stream than `sys.stdout`."""
        if not (_is_file(sys.stdout, 1) and _is_file(sys.stderr, 2)):
            return  # under a test, or in another program, there are no descriptors to mind
        if for_program:
            sys.stdout.flush()
            self.answers = BlackedOut(_copy_of(1, sys.stdout))
            os.dup2(2, 1)
        EVERYWHERE.when_first(self._guard)

    def close(self) -> None:
        """Write what is still on its way."""
        with self._lock:
            for pump in self._pumps:
                pump.close()
            self._pumps.clear()
        if self.answers is not None:
            with contextlib.suppress(BrokenPipeError):
                self.answers.finish()

    def _guard(self) -> None:
        """Let both descriptors pass through the blackout from now on."""
        with self._lock, contextlib.suppress(OSError):
            self._pumps += [_Pump(sys.stdout, 1), _Pump(sys.stderr, 2)]


def _is_file(stream: TextIO | None, number: int) -> bool:
    try:
        return stream is not None and stream.fileno() == number
    except (OSError, ValueError, AttributeError):
        return False


def _copy_of(number: int, like: TextIO | BlackedOut) -> TextIO:
    """Another stream to where a descriptor leads."""
    copy = os.fdopen(os.dup(number), "wb")
    return io.TextIOWrapper(copy, like.encoding, like.errors or "replace", line_buffering=True)


class _Pump:
    """Carries what is written to a descriptor to where it led, without secrets.

    Python's own stream goes there straight: it is filtered already, and knows its terminal.
    """

    def __init__(self, stream: TextIO | BlackedOut, number: int) -> None:
        stream.flush()
        self._number, self._real = number, os.dup(number)
        straight = _copy_of(number, stream)
        self._out = BlackedOut(_copy_of(number, stream))
        reading, writing = os.pipe()
        os.dup2(writing, number)
        os.close(writing)
        if isinstance(stream, BlackedOut):
            stream.lead_to(straight)
        self._thread = threading.Thread(
            target=self._carry, args=(reading,), name=f"outlet-{number}", daemon=True
        )
        self._thread.start()

    def _carry(self, reading: int) -> None:
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        with os.fdopen(reading, "rb", 0) as pipe, contextlib.suppress(OSError, ValueError):
            while piece := pipe.read(_PIECE):
                self._out.write(decode(piece))
                self._out.flush()
            self._out.write(decode(b"", True))
            self._out.finish()

    def close(self) -> None:
        """Lead the descriptor where it led before, and wait for what is in the pipe."""
        os.dup2(self._real, self._number)
        self._thread.join(_JOIN_S)
        os.close(self._real)
