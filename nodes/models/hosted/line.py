"""Calls of a model in another process: JSON, one message a line, over a socket of this user's.

A connection is one call, and ends it when it closes. The first line says which description is meant
and what is asked; reports of its opening come first, then answers, then the end or what went wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from patchbay.nodes.errors import error_from_json
from patchbay.nodes.models import errors
from patchbay.nodes.values import Spec, encode

_MOST = 1 << 27
"""Bytes of a line: pictures are in messages, and vectors of many texts in answers."""


class HostLine:
    """Asks the process that has a description open.

    Args:
        at: its socket.
        spec: the description.
    """

    def __init__(self, at: Path, spec: Spec) -> None:
        self._at, self._spec = at, encode(spec)

    def ask(self, **what: Any) -> Iterator[dict[str, Any]]:
        """What is said to a call, until its end. Blocks.

        Raises:
            NodeError: what went wrong there, or that the process has ended.
        """
        with self._broken(), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.connect(str(self._at))
            line.sendall(self._asked(what))
            with line.makefile("rb") as reading:
                for text in reading:
                    message = _read(text)
                    if "end" in message:
                        return
                    yield message
        raise errors.host_ended()

    async def ask_async(self, **what: Any) -> AsyncIterator[dict[str, Any]]:
        """Likewise, without blocking."""
        with self._broken():
            reading, writing = await asyncio.open_unix_connection(str(self._at), limit=_MOST)
            try:
                writing.write(self._asked(what))
                while text := await reading.readline():
                    message = _read(text)
                    if "end" in message:
                        return
                    yield message
            finally:
                writing.close()
        raise errors.host_ended()

    def value(self, **what: Any) -> Any:
        """The value that a call gives. Blocks."""
        return next(said["value"] for said in self.ask(**what) if "value" in said)

    def _asked(self, what: dict[str, Any]) -> bytes:
        return json.dumps({"spec": self._spec, **what}).encode() + b"\n"

    @contextlib.contextmanager
    def _broken(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise errors.host_ended() from error


def _read(text: bytes) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(text)
    if told := message.get("error"):
        raise error_from_json(told)
    return message
