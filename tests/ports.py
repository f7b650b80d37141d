"""Ports for programs that are told theirs."""

from __future__ import annotations

import contextlib
import random
import socket


def free_ports(number: int) -> list[int]:
    """So many ports of this machine on which nobody listens.

    They are drawn below those that the system gives to whoever asks for any: of those, somebody
    else could have been given one before the program that is told of it listens there.
    """
    dice = random.SystemRandom()
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < number:
            port = dice.randrange(15_000, 30_000)
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
    return found
