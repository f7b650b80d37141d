"""A server that listens: uvicorn with our limits, and an end that lets runs end first."""

from __future__ import annotations

import functools
import signal
import socket
import threading
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.server.bounded_protocol import BoundedProtocol
from patchbay.flows.server.core.service import FlowService

_BACKLOG = 2048
_MORE_S = 15
"""Seconds that uvicorn waits for connections beyond what runs are given to end."""


class Listening(uvicorn.Server):
    """uvicorn, told of the service: it takes no more runs from the first signal on."""

    def __init__(self, config: uvicorn.Config, service: FlowService) -> None:
        super().__init__(config)
        self._service = service
        self.when_up: Callable[[], None] = lambda: None
        self.then: Callable[[], Awaitable[None]] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: refuse what is new; a second one ends at once."""
        self._service.slots.closed = True
        super().handle_exit(sig, frame)

    def _hear_hangup(self) -> None:
        """End as at any signal when the terminal is closed, too; not where nohup has it ignored."""
        hangup = getattr(signal, "SIGHUP", None)
        main = threading.current_thread() is threading.main_thread()
        if hangup is not None and main and signal.getsignal(hangup) == signal.SIG_DFL:
            signal.signal(hangup, self.handle_exit)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        self._hear_hangup()
        await super().startup(sockets)
        for one in sockets or ():
            one.listen(_BACKLOG)
        if not self.should_exit:
            self.when_up()
            if self.then is not None:
                await self.then()


def server(
    app: ASGIApp, service: FlowService, host: str, port: int, *, shared: bool = False
) -> Listening:
    """The server of an application, which does not listen yet.

    Args:
        app: the application.
        service: what ends with it.
        host: where it listens.
        port: likewise.
        shared: whether other processes take connections from the same socket. It takes one at a
            time then; asyncio would take as many as wait, so that one process had them all.
    """
    config = uvicorn.Config(
        app,
        http=functools.partial(BoundedProtocol, slow_s=service.settings.slow_s),  # type: ignore[arg-type]
        host=host,
        port=port,
        ws="none",
        backlog=1 if shared else _BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=65_536,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=int(service.settings.drain_s) + _MORE_S,
    )
    return Listening(config, service)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        FlowError: the port is taken, or not to be had.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(_BACKLOG)
        made.setblocking(False)
    except OSError as error:
        problem = Problem(
            "serve/port",
            f"It cannot listen on {host}, port {port}: {error.strerror or error}.",
            "Choose another with --port; --port 0 takes a free one.",
        )
        raise FlowError([problem]) from None
    return made
