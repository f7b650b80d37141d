"""The flows that the studio serves to other programs: each by a process of its own.

A server ends with the studio unless a person asked it to stay. What was started is noted in a file
of the home folder, so that a studio that starts again finds those that stayed.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil

from patchbay.flows.server.tied import LEAVE, STAY
from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.private import private_file, private_folder

ServedState = Literal["starting", "serving", "ending", "ended"]
PORTS = range(8080, 8180)
"""Where a port is looked for; a free one of the system's choice where all are taken."""
_END_S = 40.0
"""Seconds that a server gets to end before it is killed: runs may go on for 20."""
_TOLD = 2000


@dataclass(slots=True)
class FlowServer:
    """One server process, as it is noted."""

    flow: str
    """The path of the flow file."""
    pid: int
    born: float
    """When the process was made, which tells it from a later one with the same number."""
    port: int
    origins: tuple[str, ...] = ()
    stays: bool = False
    """Whether it goes on when the studio ends."""
    told_to_end: bool = False
    """Whether it was stopped by a person."""

    @property
    def address(self) -> str:
        """Where it is called."""
        return f"http://127.0.0.1:{self.port}"


class ServedFlows:
    """Starts and stops servers.

    Args:
        home: Patchbay's home folder.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / "served"
        self.keys = home / "served-keys.toml"
        self._lock = threading.RLock()
        self._pipes: dict[str, subprocess.Popen[bytes]] = {}
        self._ending: set[str] = set()
        self._found: dict[str, FlowServer] | None = None

    # --- what there is ------------------------------------------------------------------------

    def of(self, path: Path) -> FlowServer | None:
        """The server of a flow file, at work or ended; None where none was started."""
        with self._lock:
            return self._known().get(str(path.resolve()))

    def state(self, server: FlowServer) -> ServedState:
        """What a server is doing."""
        if not self._alive(server):
            return "ended"
        with self._lock:
            if server.flow in self._ending:
                return "ending"
        return "serving" if _listens(server.pid, server.port) else "starting"

    def settled(self, server: FlowServer, most_s: float = 90.0) -> ServedState:
        """What a server is doing once it has started, or ended. Waits for it."""
        until = time.monotonic() + most_s
        while True:
            state = self.state(server)
            if state in ("serving", "ended") or time.monotonic() > until:
                return state
            time.sleep(0.1)

    def running(self) -> list[FlowServer]:
        """Those that are at work."""
        with self._lock:
            return [server for server in self._known().values() if self._alive(server)]

    def said(self, path: Path) -> str:
        """The last that the server of a flow said."""
        try:
            text = self._log(path).read_bytes()[-_TOLD:].decode("utf-8", "replace")
        except OSError:
            return ""
        return text.strip()

    # --- starting and stopping ----------------------------------------------------------------

    def start(self, path: Path, origins: Iterable[str] = (), *, stays: bool = False) -> FlowServer:
        """Serve a flow; a server that has it is returned as it is.

        Args:
            path: its file.
            origins: web pages that may call it.
            stays: whether it goes on when the studio ends.

        Raises:
            OSError: no process can be started.
        """
        path = path.resolve()
        with self._lock:
            before = self._known().get(str(path))
            if before is not None and self._alive(before):
                return before
            taken = {server.port for server in self.running()}  # one that starts listens later
            port = _free_port(before.port if before is not None else None, taken)
            private_folder(self._folder)
            private_file(self.keys)
            made = self._process(path, port, tuple(origins))
            server = FlowServer(str(path), made.pid, _born(made.pid), port, tuple(origins))
            self._pipes[server.flow] = made
            self._ending.discard(server.flow)
            self._known()[server.flow] = server
            self._note(server)
            if stays:
                self.keep(path, stays)
            return server

    def stop(self, path: Path) -> None:
        """Let a server end: what is at work gets its time. Returns at once."""
        with self._lock:
            server = self.of(path)
            if server is None or not self._alive(server) or server.flow in self._ending:
                return
            self._ending.add(server.flow)
            server.told_to_end = True
            self._note(server)
        with contextlib.suppress(psutil.Error):
            psutil.Process(server.pid).terminate()
        threading.Thread(target=self._see_it_end, args=(server,), daemon=True).start()

    def keep(self, path: Path, stays: bool) -> None:
        """Say whether the server of a flow goes on when the studio ends."""
        with self._lock:
            server = self.of(path)
            if server is None:
                return
            made = self._pipes.get(server.flow)
            if made is not None and made.stdin is not None:
                with contextlib.suppress(OSError):
                    made.stdin.write(STAY if stays else LEAVE)
                    made.stdin.flush()
            server.stays = stays
            self._note(server)

    def tied(self, server: FlowServer) -> bool:
        """Whether this studio started it, so that it can end with it."""
        return server.flow in self._pipes

    def forget(self, path: Path) -> None:
        """Stop the server of a flow whose file is moved or deleted, and forget it and its key."""
        from patchbay.flows.server.core.keys import remove

        self.stop(path)
        with self._lock:
            self._known().pop(str(path.resolve()), None)
            self._file(path).unlink(missing_ok=True)
            self._log(path).unlink(missing_ok=True)
            with contextlib.suppress(OSError, ValueError):  # nobody can use such a file
                remove(self.keys, _page(path))

    def page_key(self, path: Path) -> str:
        """A key for a page that everybody sees: this flow only, a thousand requests a day.

        The one of before ends. Only its hash is kept.

        Raises:
            FlowError: the file of keys was changed, and cannot be read.
        """
        from patchbay.flows.server.core.keys import add

        private_folder(self.keys.parent)
        flows = json.dumps([path.stem], ensure_ascii=False)
        with self._lock:
            return add(self.keys, _page(path), f"flows = {flows}\nrequests_a_day = 1000")

    # --- inside -------------------------------------------------------------------------------

    def _process(self, path: Path, port: int, origins: tuple[str, ...]) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "patchbay.flows", "serve", str(path), "--port", str(port)]
        words += ["--key-from", str(self.keys), "--tied"]
        for origin in origins:
            words += ["--origin", origin]
        log = private_file(self._log(path))
        with log.open("wb") as said:
            # In a session of its own: Ctrl+C in the studio's terminal is for the studio.
            return subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=said, stderr=said, start_new_session=True
            )

    def _see_it_end(self, server: FlowServer) -> None:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(server.pid)
            if process.create_time() == server.born:
                try:
                    process.wait(_END_S)
                except psutil.TimeoutExpired:
                    process.kill()
        with self._lock:
            self._ending.discard(server.flow)

    def _alive(self, server: FlowServer) -> bool:
        made = self._pipes.get(server.flow)
        if made is not None and made.pid == server.pid:
            return made.poll() is None
        return _born(server.pid) == server.born

    def _known(self) -> dict[str, FlowServer]:
        if self._found is None:
            self._found = {}
            for file in self._folder.glob("*.json") if self._folder.is_dir() else ():
                with contextlib.suppress(OSError, ValueError, TypeError):
                    told = json.loads(file.read_text("utf-8"))
                    server = FlowServer(**{**told, "origins": tuple(told["origins"])})
                    self._found[server.flow] = server
        return self._found

    def _note(self, server: FlowServer) -> None:
        file = private_file(self._file(Path(server.flow)))
        write_atomic(file, json.dumps(asdict(server)), durable=False)

    def _file(self, path: Path) -> Path:
        return self._folder / f"{_name(path)}.json"

    def _log(self, path: Path) -> Path:
        return self._folder / f"{_name(path)}.log"


def _name(path: Path) -> str:
    """A plain name for the files of a flow; another one for each path."""
    import hashlib

    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:16]


def _page(path: Path) -> str:
    """The caller that a page of a flow is."""
    return f"page-{_name(path)}"


def _born(pid: int) -> float:
    """When a process was made; 0 where there is none, or it has only to be fetched."""
    try:
        process = psutil.Process(pid)
        return 0.0 if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return 0.0


def _free_port(before: int | None, taken: Collection[int]) -> int:
    for port in (*([before] if before else []), *PORTS, 0):
        if port in taken:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free")


def _listens(pid: int, port: int) -> bool:
    """Whether this process does: another one may have been faster to take the port."""
    try:
        sockets = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    return any(s.status == psutil.CONN_LISTEN and s.laddr.port == port for s in sockets)
