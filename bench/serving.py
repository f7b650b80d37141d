"""Flows over HTTP: against a bare Starlette route in a process of the same make."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.table import Row

PLAIN = Path(__file__).parent / "flows" / "plain.json"
MB = 1_000_000

BARE = """
import socket, sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def run(request):
    body = await request.json()
    return JSONResponse({"outputs": {"greeting": f"Hello, {body['name']}!"}})

app = Starlette(routes=[Route("/flows/plain/run", run, methods=["POST"])])
made = socket.socket()
made.bind(("127.0.0.1", 0))
made.listen(2048)
print(f"at http://127.0.0.1:{made.getsockname()[1]};", file=sys.stderr, flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[made])
"""
"""The floor: what the same libraries do with the same request and no flow."""


def measure(quick: bool = False) -> Iterator[Row]:
    """Requests a second of an instant flow with a key and a run id; memory, nothing loaded."""
    seconds = 2.0 if quick else 6.0
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "PATCHBAY_HOME": home}
        serve = [sys.executable, "-m", "patchbay.flows", "serve", str(PLAIN)]
        with (
            _started([*serve, "--port", "0", "--at-once", "64", "--quiet"], env) as (ours, port),
            _started([sys.executable, "-c", BARE], env) as (_, floor),
        ):
            key = (Path(home) / "serve-key").read_text(encoding="utf-8").strip()
            memory = psutil.Process(ours.pid).memory_info().rss / MB
            for callers, limit in ((1, 0.5), (8, 0.3), (32, 0.3)):
                bare = asyncio.run(_rate(floor, key, callers, seconds))
                rate = asyncio.run(_rate(port, key, callers, seconds))
                yield Row(
                    f"patchbay serve, instant flow, {callers} callers", rate, "requests/s", limit,
                    "at least", "ratio", "bare Starlette route", bare,
                )  # fmt: skip
            yield Row("patchbay serve, memory with nothing loaded", memory, "MB", 80)


@contextlib.contextmanager
def _started(
    command: list[str], env: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"at http://[\d.]+:(\d+);", line):
                yield process, int(found[1])
                return
        raise RuntimeError("the server did not start")
    finally:
        process.kill()
        process.communicate()


async def _rate(port: int, key: str, callers: int, seconds: float) -> float:
    """Requests a second that so many callers get, each on a line of its own that stays open."""
    body = b'{"name": "Ada"}'
    head = (
        f"POST /flows/plain/run HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body

    async def call(until: float) -> int:
        reading, writing = await asyncio.open_connection("127.0.0.1", port)
        done = 0
        while time.perf_counter() < until:
            writing.write(request)
            answer = await reading.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer.decode())
            length = re.search(rb"content-length: (\d+)", answer)
            assert length is not None
            await reading.readexactly(int(length[1]))
            done += 1
        writing.close()
        return done

    await asyncio.gather(*(call(time.perf_counter() + 0.3) for _ in range(callers)))  # warm
    begun = time.perf_counter()
    done = await asyncio.gather(*(call(begun + seconds) for _ in range(callers)))
    return sum(done) / (time.perf_counter() - begun)
