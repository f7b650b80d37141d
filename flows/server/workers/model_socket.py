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
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger("patchbay.serve")
HOST = (sys.executable, "-m", "patchbay.nodes.models.llama.host")
_QUICK_S = 5.0
"""A process that lived no longer than that did not come to answer."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0


class ModelSocket:
    """Listens for workers that want a model. To be made within the head's event loop.

    Args:
        folder: a folder that only this user can look into.
        words: the command of the process; the numbers of its socket and its pipe follow.
        name: how the socket is called in the folder.
    """

    def __init__(
        self, folder: Path, words: Sequence[str] = HOST, name: str = "models.sock"
    ) -> None:
        self._words = words
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(folder / name))
        self._socket.listen(512)
        self._socket.setblocking(False)
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: socket.socket | None = None
        self._loop = asyncio.get_running_loop()
        self._watching: asyncio.Task[None] | None = None
        self._waits_s = 0.0
        """Seconds until another is started, after some that ended at once."""
        self._loop.add_reader(self._socket, self._wanted)

    def _wanted(self) -> None:
        """Somebody connects: the process that is started now takes the connection."""
        self._loop.remove_reader(self._socket)
        self._watching = asyncio.ensure_future(self._live())

    async def _live(self) -> None:
        """Start the process and wait until it has ended; then the next connection starts one. One
        that cannot start, or ends at once, leaves the connection waiting: that one starts the next
        only after a while, else nothing but that would be done."""
        began = self._loop.time()
        try:
            process = self._process = self._started()
        except OSError as error:
            log.warning("the process of the models cannot be started: %s", error)
        else:
            log.info("models live in process %d", process.pid)
            code = await asyncio.to_thread(process.wait)
            log.warning("the process of the models has ended (%d); the next call starts it", code)
        if self._loop.time() - began < _QUICK_S:
            self._waits_s = min(_LONGEST_WAIT_S, max(_FIRST_WAIT_S, 2 * self._waits_s))
            await asyncio.sleep(self._waits_s)
        else:
            self._waits_s = 0.0
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket, self._wanted)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._pipe is not None:
            self._pipe.close()
        self._pipe, its = socket.socketpair()
        with its:
            return subprocess.Popen(
                [*self._words, str(self._socket.fileno()), str(its.fileno())],
                stdin=subprocess.DEVNULL, start_new_session=True,
                pass_fds=(self._socket.fileno(), its.fileno()),
            )  # fmt: skip

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
