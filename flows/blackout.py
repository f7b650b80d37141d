"""Secrets that were given out, blacked out of whatever leaves the process, in every form they take.

One filter stands at the edge of a run: each event passes through it, and so everything that lives
on events (the terminal, `--json`, the history, pages). Another stands at the edge of the process,
over standard output, standard error and logging, where tracebacks, libraries and plugins write.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from patchbay.flows.disguises import Disguised

BLACKED = "••••"
"""What stands where a secret's value would."""


class Blackout:
    """Values to be blacked out of text. May be told of more at any time, from any thread."""

    def __init__(self) -> None:
        self._secrets: tuple[Disguised, ...] = ()
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], None]] = []

    def when_first(self, act: Callable[[], None]) -> None:
        """Call `act` as soon as there is a value, or now where there is one; once."""
        with self._lock:
            if not self._secrets:
                self._waiting.append(act)
                return
        act()

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def add(self, value: str) -> None:
        """Black this value out from now on, where it is long enough."""
        from patchbay.flows.disguises import SHORTEST, disguised

        if len(value) < SHORTEST:
            return
        secret = disguised(value)
        with self._lock:
            if secret in self._secrets:
                return
            # What is part of another secret comes after it, or the rest of that would be left.
            secrets = sorted((*self._secrets, secret), key=lambda one: -len(one.value))
            self._secrets = tuple(secrets)
            waiting, self._waiting = self._waiting, []
        for act in waiting:
            act()

    def text(self, text: str) -> str:
        """The text without any of the values."""
        for secret in self._secrets:
            text = secret.replaced(text, by=BLACKED)
        return text

    def held_back(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of a secret."""
        return max((secret.begun(text) for secret in self._secrets), default=0)


EVERYWHERE = Blackout()
"""All that any run of this process has been given."""


# --- the edge of the process ------------------------------------------------------------------


class BlackedOut(io.TextIOBase):
    """A text stream on which no secret appears. The beginning of one waits for the rest."""

    def __init__(self, stream: TextIO, blackout: Blackout = EVERYWHERE) -> None:
        self._stream, self._blackout, self._tail = stream, blackout, ""
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        """Write a text, without secrets."""
        with self._lock:
            if not self._blackout:
                self._stream.write(text)
                return len(text)
            whole = self._blackout.text(self._tail + text)
            held = self._blackout.held_back(whole)
            self._tail = whole[len(whole) - held :]
            self._stream.write(whole[: len(whole) - held])
        return len(text)

    def lead_to(self, stream: TextIO) -> None:
        """Write to another stream from now on."""
        with self._lock:
            self._stream.flush()
            self._stream = stream

    def flush(self) -> None:
        """Pass on what was written; what may be the beginning of a secret still waits."""
        self._stream.flush()

    def finish(self) -> None:
        """Write what waited: nothing more comes."""
        with self._lock:
            tail, self._tail = self._tail, ""
            self._stream.write(tail)
            self._stream.flush()

    def writable(self) -> bool:
        """It is."""
        return True

    def isatty(self) -> bool:
        """Whether the stream behind is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The number of the file behind."""
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream behind."""
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """What the stream behind does with what it cannot encode."""
        return self._stream.errors

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def black_out_logs() -> None:
    """Let no log record of this process hold a secret, whoever handles it."""
    make = logging.getLogRecordFactory()
    if getattr(make, "blacked_out", False):
        return

    def record(*args: Any, **more: Any) -> logging.LogRecord:
        made = make(*args, **more)
        if EVERYWHERE:
            _black_out(made)
        return made

    record.blacked_out = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(record)


def _black_out(record: logging.LogRecord) -> None:
    try:
        said = record.getMessage()
    except Exception:  # a format that does not fit; logging itself will say so
        return
    if (blacked := EVERYWHERE.text(said)) != said:
        record.msg, record.args = blacked, ()
    if record.exc_info and record.exc_info[0] is not None:
        import traceback

        told = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        if (blacked := EVERYWHERE.text(told)) != told:
            record.exc_text, record.exc_info = blacked, None
    if record.stack_info:
        record.stack_info = EVERYWHERE.text(record.stack_info)


def black_out_process() -> None:
    """Stand at the edge: standard output, standard error, and logging."""
    black_out_logs()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, BlackedOut):
            setattr(sys, name, BlackedOut(stream))


def finish() -> None:
    """Write what the streams still hold back, before the process ends."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, BlackedOut):
            stream.finish()
