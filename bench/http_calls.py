"""Calls of a server, as fast as they are answered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One call: where, what, and with which key."""

    port: int
    path: str
    body: Any
    key: str = ""
    header: str = "Authorization: Bearer {key}"

    def request(self) -> bytes:
        """The call as it stands on the wire."""
        data = json.dumps(self.body).encode()
        lines = [
            f"POST {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}",
            "Content-Type: application/json", f"Content-Length: {len(data)}",
            *([self.header.format(key=self.key)] if self.key else []),
        ]  # fmt: skip
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + data


async def rate_of(call: Call, callers: int, seconds: float) -> float:
    """Requests a second that so many callers get, each on a line of its own that stays open."""
    request = call.request()

    async def one(until: float) -> int:
        reading, writing = await asyncio.open_connection("127.0.0.1", call.port)
        done = 0
        while time.perf_counter() < until:
            writing.write(request)
            answer = await reading.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError((answer + await reading.read(400)).decode())
            length = re.search(rb"content-length: (\d+)", answer, re.I)
            if length is None:
                raise RuntimeError(answer.decode())
            await reading.readexactly(int(length[1]))
            done += 1
        writing.close()
        return done

    await asyncio.gather(*(one(time.perf_counter() + 0.3) for _ in range(callers)))  # warm
    begun = time.perf_counter()
    done = await asyncio.gather(*(one(begun + seconds) for _ in range(callers)))
    return sum(done) / (time.perf_counter() - begun)


@contextlib.contextmanager
def started(
    command: Sequence[str], env: dict[str, str], pattern: str = r"at http://[\d.]+:(\d+);"
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server, once it says at which port it listens."""
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(pattern, line):
                yield process, int(found[1])
                return
        raise RuntimeError("the server did not start")
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
