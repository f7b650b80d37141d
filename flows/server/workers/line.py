"""The line between a worker and its head: JSON, one message a line, over a pair of sockets.

It closes with whoever ends, however that ends; so each side learns of it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from collections.abc import Callable
from typing import Any

_MOST = 1 << 26
"""Bytes of a message: the figures of a thousand flows are more than one million."""


class Line:
    """One end.

    Args:
        reading: where messages come from.
        writing: where they go.
    """

    def __init__(self, reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        self._reading, self._writing = reading, writing
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ids = itertools.count(1)

    @classmethod
    async def over(cls, end: socket.socket) -> Line:
        """The end of a pair of sockets."""
        return cls(*await asyncio.open_unix_connection(sock=end, limit=_MOST))

    def send(self, **message: Any) -> None:
        """Send a message. What nobody reads any more is lost."""
        if not self._writing.is_closing():
            self._writing.write(json.dumps(message).encode() + b"\n")

    async def ask(self, do: str, **message: Any) -> dict[str, Any]:
        """Send a message and wait for what is answered.

        Raises:
            ConnectionError: the other end is gone.
        """
        number = next(self._ids)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        self.send(do=do, id=number, **message)
        found: dict[str, Any] = await answer
        return found

    async def hear(self, take: Callable[[dict[str, Any]], None]) -> None:
        """Hand over messages until the other end is gone; answers go to who asked."""
        try:
            while line := await self._reading.readline():
                message = json.loads(line)
                answer = self._asked.pop(message["re"], None) if "re" in message else None
                if answer is None:
                    take(message)
                elif not answer.done():
                    answer.set_result(message)
        except OSError:
            pass
        finally:
            self._writing.close()
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(ConnectionResetError("the head of the workers is gone"))
            self._asked.clear()
