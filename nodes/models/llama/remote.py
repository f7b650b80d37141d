"""An engine in another process, for processes that share one: the workers of a server.

Weights are then in memory once, however many workers there are. What goes between them are the
requests and chunks that llama.cpp itself takes and gives, as JSON, one a line, over a socket that
only this user can open. A connection is one call; one that stays open keeps the model loaded.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.nodes.errors import error_from_json
from patchbay.nodes.models import errors
from patchbay.nodes.weights.refs import Report, quiet

if TYPE_CHECKING:
    from patchbay.nodes.models.llama.engine import Chunk
    from patchbay.nodes.models.llama.spec import GgufModel

ENVIRONMENT = "PATCHBAY_MODEL_HOST"
"""The socket of the process that models live in; set by whoever starts workers."""
_POLL_S = 0.05
_PIECE = 1 << 16


def host() -> Path | None:
    """The socket of the process that models live in; None where they live in this one."""
    given = os.environ.get(ENVIRONMENT)
    return Path(given) if given else None


class RemoteEngine:
    """A llama.cpp model that another process has loaded. Safe to use from several threads.

    Args:
        at: the socket of that process.
        spec: the model, as a resource.
        path: its weights.
        report: hears how loading goes.

    Raises:
        NodeError: it cannot be loaded.
    """

    def __init__(self, at: Path, spec: GgufModel, path: Path, report: Report) -> None:
        self._at = at
        self._asked = {"spec": spec.model_dump(mode="json"), "path": str(path)}
        self._lock = threading.Lock()
        self._closed = False
        self._held: socket.socket | None = None
        self._stack = contextlib.ExitStack()
        """Closes what is held. It has to be kept: one that nobody keeps closes it at once."""
        self.trained = 0
        with self._lock:
            self._hold(report, threading.Event())

    def chat(
        self,
        request: dict[str, Any],
        emit: Callable[[Chunk], None],
        stop: threading.Event,
        gathered: bool = False,
    ) -> None:
        """Run one streaming chat request; see `LlamaEngine.chat`."""
        self._hold_again(stop)
        if self._closed:
            raise errors.closed()
        with self._connection(chat=request, gathered=gathered) as line:
            for message in _messages(line, stop):
                if "report" in message:
                    continue  # of a load: another process may be new as well
                if "chunk" in message:
                    emit(message["chunk"])
                else:
                    _raise(message)
                    return
            if self._closed:
                raise errors.closed()
            if not stop.is_set():
                raise errors.host_ended()

    def close(self) -> None:
        """Let the model go; it is freed when no other process holds it."""
        self._closed = True
        with self._lock:
            self._let_go()

    def _hold(self, report: Report, stop: threading.Event) -> None:
        """Have the model loaded, and keep it so. `stop` gives up."""
        with contextlib.ExitStack() as stack:
            line = stack.enter_context(self._connection(hold=True))
            for message in _messages(line, stop):
                if "report" in message:
                    report(*message["report"])
                    continue
                _raise(message)
                self.trained = int(message["trained"])
                self._stack, self._held = stack.pop_all(), line
                return
            if not stop.is_set():
                raise errors.host_ended()

    def _hold_again(self, stop: threading.Event) -> None:
        """Hold the model where the process that had it has ended, and another took its place."""
        with self._lock:
            if self._closed or (self._held is not None and _open(self._held)):
                return
            self._let_go()
            self._hold(quiet, stop)  # nobody reads progress in the midst of a call

    def _let_go(self) -> None:
        self._held = None
        self._stack.close()

    @contextlib.contextmanager
    def _connection(self, **what: Any) -> Iterator[socket.socket]:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.connect(str(self._at))
            line.sendall(json.dumps({**self._asked, **what}).encode() + b"\n")
            yield line
        except OSError as error:
            raise errors.host_ended() from error
        finally:
            line.close()


def _messages(line: socket.socket, stop: threading.Event) -> Iterator[dict[str, Any]]:
    """Messages until the other end is gone, or `stop` is set."""
    line.settimeout(_POLL_S)
    held = b""
    while not stop.is_set():
        try:
            piece = line.recv(_PIECE)
        except TimeoutError:
            continue
        if not piece:
            return
        *lines, held = (held + piece).split(b"\n")
        yield from map(json.loads, lines)


def _open(line: socket.socket) -> bool:
    """Whether the other end of a line that says nothing more is still there."""
    line.setblocking(False)
    try:
        return line.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def _raise(message: dict[str, Any]) -> None:
    """Raise what the other process says went wrong."""
    if told := message.get("error"):
        raise error_from_json(told)
