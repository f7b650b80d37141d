"""The head of several workers: it holds the port, starts them, and decides what concerns them all.

It serves nothing itself, so that little can end it. A worker that ends without being told to is
started again, and what it held is free at once. When the head is gone, however that came, the
workers learn of it from their lines and end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from patchbay.flows.server.core.settings import Settings
from patchbay.flows.server.workers import model_host
from patchbay.flows.server.workers.desk import AdmissionDesk, WorkersDesk
from patchbay.flows.server.workers.line import Line
from patchbay.flows.server.workers.model_socket import ModelSocket
from patchbay.flows.server.workers.worker import ENVIRONMENT, WorkerPlace

log = logging.getLogger("patchbay.serve")
_QUICK_S = 5.0
_LONGEST_WAIT_S = 30.0
_MORE_S = 20.0
"""What a worker gets to end beyond what its runs get."""


class Head:
    """Starts workers and keeps them going.

    Args:
        command: what starts a worker.
        workers: how many.
        listening: the socket that they share.
        settings: the limits, which hold for all of them together.
    """

    def __init__(
        self, command: Sequence[str], workers: int, listening: socket.socket, settings: Settings
    ) -> None:
        self._command, self._count, self._socket = list(command), workers, listening
        self._settings = settings
        self._desk = AdmissionDesk(settings)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._ending = asyncio.Event()
        self._up: dict[int, asyncio.Event] = {n: asyncio.Event() for n in range(workers)}
        self._lines: dict[int, Line] = {}
        self.code = 0
        """What the process is to end with."""

    async def run(self) -> int:
        """Serve until a signal; returns the exit code."""
        folder = Path(tempfile.mkdtemp(prefix="patchbay-workers-"))
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(name) != signal.SIG_IGN:  # as nohup has it
                loop.add_signal_handler(name, self.end)
        models = ModelSocket(folder), ModelSocket(folder, model_host.WORDS, model_host.SOCKET)
        try:
            keeping = [asyncio.ensure_future(self._keep(0, folder))]
            await self._first(self._up[0])
            keeping += [asyncio.ensure_future(self._keep(n, folder)) for n in range(1, self._count)]
            if not self._ending.is_set():
                await self._first(*self._up.values())
            if not self._ending.is_set():
                self._lines[0].send(tell=True)
            await asyncio.gather(*keeping)
        finally:
            for one in models:
                one.close()
            for process in self._processes.values():
                if process.poll() is None:
                    process.kill()
            shutil.rmtree(folder, ignore_errors=True)
        return self.code

    def end(self) -> None:
        """End: workers let their runs end. A second time: at once."""
        again = self._ending.is_set()
        self._ending.set()
        for process in self._processes.values():
            if process.poll() is None:
                with contextlib.suppress(OSError):
                    process.send_signal(signal.SIGKILL if again else signal.SIGTERM)

    async def _first(self, *events: asyncio.Event) -> None:
        """Wait until all of these have come, or the server ends."""
        coming = asyncio.gather(*(event.wait() for event in events))
        ending = asyncio.ensure_future(self._ending.wait())
        await asyncio.wait((coming, ending), return_when=asyncio.FIRST_COMPLETED)
        for task in (coming, ending):
            task.cancel()

    async def _keep(self, number: int, folder: Path) -> None:
        """Have a worker, and another one when it ends without being told to."""
        wait_s = 0.1
        while not self._ending.is_set():
            begun = time.monotonic()
            code = await self._once(number, folder)
            if self._ending.is_set():
                return
            if number == 0 and not self._up[0].is_set():  # it has said why
                self.code = code or 1
                self.end()
                return
            quick = time.monotonic() - begun < _QUICK_S
            wait_s = min(_LONGEST_WAIT_S, wait_s * 2) if quick else 0.1
            log.warning("worker %d has ended (%d) and is started again", number, code)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), wait_s)

    async def _once(self, number: int, folder: Path) -> int:
        """Start a worker and serve its line until it is gone. Returns how it ended."""
        mine, its = socket.socketpair()
        place = WorkerPlace(number, its.fileno(), self._socket.fileno(), folder)
        env = {
            **os.environ, ENVIRONMENT: place.told(),
            "PATCHBAY_MODEL_HOST": str(folder / "models.sock"),
        }  # fmt: skip
        with its:
            process = self._processes[number] = subprocess.Popen(  # noqa: ASYNC220 - a moment
                self._command, env=env, stdin=subprocess.DEVNULL, start_new_session=True,
                pass_fds=(its.fileno(), self._socket.fileno()),
            )  # fmt: skip
        line = self._lines[number] = await Line.over(mine)
        desk = WorkersDesk(self._desk, line)

        def take(message: dict[str, object]) -> None:
            if message.get("do") == "up":
                self._up[number].set()
            else:
                desk.take(message)

        try:
            await line.hear(take)
        finally:
            desk.gone()
        return await asyncio.to_thread(self._ended, process)

    def _ended(self, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait(self._settings.drain_s + _MORE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def serve_command() -> list[str]:
    """What starts a worker of this very command."""
    return [sys.executable, "-m", "patchbay.flows", *sys.argv[1:]]
