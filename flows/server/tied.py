"""A server that ends with the program that started it, such as the studio, however that ends.

It reads its standard input, a pipe whose other end the program holds. The system closes that end
with the program, kill -9 included. A line `stay` unties it, a line `leave` ties it again.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

from patchbay.flows.server.listening import Listening

STAY, LEAVE = b"stay\n", b"leave\n"


def end_with_parent(server: Listening, pipe: int = 0) -> None:
    """Have a server end, as at a signal, when the program that started it has.

    Args:
        server: what ends.
        pipe: the file descriptor that is read.
    """

    when_parent_ends(lambda: server.handle_exit(signal.SIGTERM, None), pipe)


def when_parent_ends(then: Callable[[], object], pipe: int = 0) -> None:
    """Do something, in a thread of its own, when the program that started this one has ended.

    Args:
        then: what is done.
        pipe: the file descriptor that is read.
    """

    def watch() -> None:
        stays = False
        held = b""
        while piece := _read(pipe):
            *lines, held = (held + piece).split(b"\n")
            for line in lines:
                stays = line + b"\n" == STAY
        if not stays:
            then()

    threading.Thread(target=watch, name="patchbay-tied", daemon=True).start()


def _read(pipe: int) -> bytes:
    try:
        return os.read(pipe, 1024)
    except OSError:
        return b""
