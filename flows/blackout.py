"""Secrets that were given out, blacked out of whatever leaves the process, in every form they take.

One filter stands at the edge of a run: each event passes through it, and so everything that lives
on events (the terminal, `--json`, the history, pages). Another stands at the edge of the process,
over standard output, standard error and logging, where tracebacks, libraries and plugins write.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, TextIO

BLACKED = "••••"
"""What stands where a secret's value would."""

SHORTEST = 4
"""Values shorter than this many characters are not blacked out: they would hit ordinary words."""
SHORTEST_FORM = 8
"""Derived forms shorter than this are left: the middle of a short text in base64, say."""


def forms_of(value: str) -> tuple[str, ...]:
    """How a secret may stand in text, longest first: plain, in a URL, in JSON, HTML, hex, base64.

    In base64 a text looks different at each of three offsets in what was encoded; of each the part
    that does not depend on the neighbours counts, so that `user:key` in a header is found, too.
    """
    import html
    from urllib.parse import quote, quote_plus

    if len(value) < SHORTEST:
        return ()
    raw = value.encode("utf-8", "surrogatepass")
    derived = {
        quote(raw, safe=""),
        quote(raw),
        quote_plus(raw),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        html.escape(value),
        raw.hex(),
        raw.hex().upper(),
        *_in_base64(raw),
    }
    derived |= {form.lower() for form in derived if "%" in form}  # %2F and %2f
    kept = {form for form in derived if len(form) >= SHORTEST_FORM} | {value}
    return tuple(sorted(kept, key=len, reverse=True))


def _in_base64(raw: bytes) -> Iterable[str]:
    import base64

    for offset in range(3):
        padded = b"\0" * offset + raw
        whole = len(padded) // 3 * 3
        first = (offset * 8 + 5) // 6  # characters that the bytes before have a part in
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(padded[:whole])[first:].decode("ascii")
            if offset == 0:
                yield encode(raw).decode("ascii")


class Blackout:
    """Values to be blacked out of text. May be told of more at any time, from any thread."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[str, ...]] = {}
        self._forms: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], None]] = []

    def when_first(self, act: Callable[[], None]) -> None:
        """Call `act` as soon as there is a value, or now where there is one; once."""
        with self._lock:
            if not self._forms:
                self._waiting.append(act)
                return
        act()

    def __bool__(self) -> bool:
        return bool(self._forms)

    def add(self, value: str) -> None:
        """Black this value out from now on."""
        if value in self._values:
            return
        with self._lock:
            self._values[value] = forms_of(value)
            every = {form for forms in self._values.values() for form in forms}
            self._forms = tuple(sorted(every, key=len, reverse=True))
            waiting = self._waiting if self._forms else []
            self._waiting = [] if self._forms else self._waiting
        for act in waiting:
            act()

    def text(self, text: str) -> str:
        """The text without any of the values."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, BLACKED)
        return text

    def held_back(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of a secret."""
        longest = 0
        for form in self._forms:
            for size in range(min(len(form) - 1, len(text)), longest, -1):
                if text.endswith(form[:size]):
                    longest = size
                    break
        return longest


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
