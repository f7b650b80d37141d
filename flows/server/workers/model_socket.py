"""The process that local models live in, for all workers: started when one is first asked for.

The head holds the socket; the first connection starts the process, which inherits it. Where it
ends, the next connection starts another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
from pathlib import Path

log = logging.getLogger("patchbay.serve")


class ModelSocket:
    """Listens for workers that want a model. To be made within the head's event loop.

    Args:
        folder: a folder that only this user can look into.
    """

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(folder / "models.sock"))
        self._socket.listen(512)
        self._socket.setblocking(False)
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: socket.socket | None = None
        self._loop = asyncio.get_running_loop()
        self._watching: asyncio.Task[None] | None = None
        self._loop.add_reader(self._socket, self._wanted)

    def _wanted(self) -> None:
        """Somebody connects: the process that is started now takes the connection."""
        self._loop.remove_reader(self._socket)
        self._pipe, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-m", "patchbay.nodes.models.llama.host",
                    str(self._socket.fileno()), str(its.fileno()),
                ],
                stdin=subprocess.DEVNULL, start_new_session=True,
                pass_fds=(self._socket.fileno(), its.fileno()),
            )  # fmt: skip
        log.info("models live in process %d", self._process.pid)
        self._watching = asyncio.ensure_future(self._watch(self._process))

    async def _watch(self, process: subprocess.Popen[bytes]) -> None:
        code = await asyncio.to_thread(process.wait)
        log.warning("the process of the models has ended (%d); the next call starts it", code)
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket, self._wanted)

    def close(self) -> None:
        """End it."""
        if self._watching is not None:
            self._watching.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self._process.kill()
        if self._pipe is not None:
            self._pipe.close()
