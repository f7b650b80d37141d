"""A worker: a server that shares its port with others, and asks the head what concerns them all."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbay.flows.server.core.admission import Admission
from patchbay.flows.server.core.slots import Slots
from patchbay.flows.server.listening import Listening
from patchbay.flows.server.workers.forwarding import socket_of
from patchbay.flows.server.workers.line import Line
from patchbay.flows.server.workers.shared import SharedAdmission

ENVIRONMENT = "PATCHBAY_WORKER"


@dataclass(frozen=True, slots=True)
class WorkerPlace:
    """What a worker inherits from its head.

    Args:
        number: which one it is, from 0.
        line: the file descriptor of its line to the head.
        port: that of the socket that all workers take connections from.
        folder: where the workers' own sockets are.
    """

    number: int
    line: int
    port: int
    folder: Path

    @classmethod
    def here(cls) -> WorkerPlace | None:
        """What this process is; None where it is no worker."""
        told = os.environ.pop(ENVIRONMENT, "")
        if not told:
            return None
        number, line, port, folder = told.split(":", 3)
        return cls(int(number), int(line), int(port), Path(folder))

    def told(self) -> str:
        """As it stands in the environment of the worker."""
        return f"{self.number}:{self.line}:{self.port}:{self.folder}"

    def listening(self) -> list[socket.socket]:
        """The shared socket, and one for the other workers only."""
        shared = socket.socket(fileno=self.port)
        path = socket_of(self.folder, self.number)
        path.unlink(missing_ok=True)
        own = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        own.bind(str(path))
        path.chmod(0o600)
        own.listen(512)
        for one in (shared, own):
            one.setblocking(False)
        return [shared, own]


class ServerWorker:
    """The worker's end of the line.

    Args:
        place: what it inherits.
    """

    def __init__(self, place: WorkerPlace) -> None:
        self.place = place
        self.number = place.number
        self._admission: SharedAdmission | None = None
        self._hearing: asyncio.Task[None] | None = None

    def admission(self, slots: Slots) -> Admission:
        """What asks the head, once the line is open."""
        self._admission = SharedAdmission(None, slots)  # type: ignore[arg-type]
        return self._admission

    async def begin(self, server: Listening, tell: Any) -> None:
        """Open the line, and say that this worker takes requests.

        Args:
            server: what ends when the head is gone.
            tell: says where the server is, when the head asks for it.
        """
        line = await Line.over(socket.socket(fileno=self.place.line))
        admission = self._admission
        assert admission is not None  # noqa: S101 - made with the service
        admission.line = line

        def take(message: dict[str, Any]) -> None:
            if message.get("tell"):
                tell()
            else:
                admission.take(message)

        async def hear() -> None:
            await line.hear(take)
            server.handle_exit(signal.SIGTERM, None)

        self._hearing = asyncio.ensure_future(hear())
        line.send(do="up")
