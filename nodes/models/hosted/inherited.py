"""What a process inherits that models live in: a socket, and the end of whoever started it."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading


def inherited_socket() -> socket.socket:
    """The socket that listens. From now on this process ends when whoever started it is gone.

    The command line says both as file descriptors: the socket, and a pipe whose other end closes
    then.
    """
    listening, pipe = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])

    def watch() -> None:
        with contextlib.suppress(OSError):
            pipe.recv(1)
        os._exit(0)  # models may be at work; the system frees what they hold

    threading.Thread(target=watch, daemon=True).start()
    return listening
