"""The process that local models live in, for the workers of a server.

    python -m patchbay.nodes.models.llama.host SOCKET PIPE

Both are file descriptors that it inherits: a socket that listens, and one whose other end closes
when whoever started it is gone. See `patchbay.nodes.models.llama.remote` for what is said.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.nodes.errors import NodeError, error_as_json
from patchbay.nodes.models.hosted.inherited import inherited_socket
from patchbay.nodes.models.llama.load import local_engine
from patchbay.nodes.models.llama.spec import GgufModel

if TYPE_CHECKING:
    from patchbay.nodes.models.llama.engine import LoadedLlama


@dataclass(slots=True)
class _Held:
    """One model: loaded by whoever comes first, freed when nobody holds it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    engine: LoadedLlama | None = None
    holders: int = 0


class ModelHost:
    """The models of this process, by their descriptions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: dict[str, _Held] = {}

    def serve(self, listening: socket.socket) -> None:
        """Take connections for ever."""
        listening.setblocking(True)
        while True:
            line, _ = listening.accept()
            threading.Thread(target=self._one, args=(line,), daemon=True).start()

    def _one(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), line, line.makefile("rb") as reading:
            asked = json.loads(reading.readline())
            spec, path = GgufModel.model_validate(asked["spec"]), Path(asked["path"])
            key = json.dumps([asked["spec"], asked["path"]])
            held = self._take(key)
            try:
                engine = self._engine(held, spec, path, line)
                if "chat" in asked:
                    _chat(engine, asked["chat"], line, asked["gathered"])
                else:
                    _send(line, trained=engine.trained)
                    reading.read(1)  # until it is closed
            except NodeError as error:
                _send(line, error=error_as_json(error))
            finally:
                self._give_back(key, held)

    def _engine(self, held: _Held, spec: GgufModel, path: Path, line: socket.socket) -> LoadedLlama:
        with held.lock:
            if held.engine is None:
                held.engine = local_engine(
                    spec, path, lambda *report: _send(line, report=list(report))
                )
            return held.engine

    def _take(self, key: str) -> _Held:
        with self._lock:
            held = self._models.setdefault(key, _Held())
            held.holders += 1
            return held

    def _give_back(self, key: str, held: _Held) -> None:
        with self._lock:
            held.holders -= 1
            if held.holders:
                return
            if self._models.get(key) is held:
                del self._models[key]
        if held.engine is not None:
            held.engine.close()


def _chat(
    engine: LoadedLlama, request: dict[str, Any], line: socket.socket, gathered: bool
) -> None:
    """Answer one request. It is stopped when whoever asked is gone."""
    stop = threading.Event()

    def watch() -> None:
        with contextlib.suppress(OSError):
            line.recv(1)
        stop.set()

    threading.Thread(target=watch, daemon=True).start()
    try:
        engine.chat(request, lambda chunk: _send(line, chunk=chunk), stop, gathered)
        _send(line, end=True)
    except NodeError as error:
        _send(line, error=error_as_json(error))
    finally:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)  # ends the watch


def _send(line: socket.socket, **message: Any) -> None:
    line.sendall(json.dumps(message).encode() + b"\n")


def main() -> None:
    """Serve until whoever started this process is gone."""
    ModelHost().serve(inherited_socket())


if __name__ == "__main__":
    main()
