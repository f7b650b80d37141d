"""Flows over HTTP: against a bare Starlette route in a process of the same make."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench import peer_lfx, serving_models
from bench.http_calls import Call, rate_of, started
from bench.table import Row

PLAIN = Path(__file__).parent / "flows" / "plain.json"
ASKED = {"name": "Ada"}
AGAINST = "  against lfx serve"
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
            started([*serve, "--port", "0", "--at-once", "64", "--quiet"], env) as (ours, port),
            started([sys.executable, "-c", BARE], env) as (_, floor),
            peer_lfx.serving(home) as lfx,
        ):
            key = (Path(home) / "serve-key").read_text(encoding="utf-8").strip()
            memory = psutil.Process(ours.pid).memory_info().rss / MB
            at = "/flows/plain/run"
            for callers, limit, over_lfx in ((1, 0.5, 40), (8, 0.3, 80), (32, 0.3, 50)):
                bare = asyncio.run(rate_of(Call(floor, at, ASKED, key), callers, seconds))
                rate = asyncio.run(rate_of(Call(port, at, ASKED, key), callers, seconds))
                yield Row(
                    f"patchbay serve, instant flow, {callers} callers", rate, "requests/s", limit,
                    "at least", "ratio", "bare Starlette route", bare,
                )  # fmt: skip
                if lfx is None:
                    yield Row(AGAINST, rate, "requests/s", note="not installed; make bench-peers")
                else:
                    theirs = asyncio.run(rate_of(lfx[1], callers, seconds))
                    yield Row(
                        AGAINST, rate, "requests/s", over_lfx, "at least", "ratio", "lfx serve",
                        theirs,
                    )  # fmt: skip
            yield Row("patchbay serve, memory with nothing loaded", memory, "MB", 80)
            if lfx is not None:
                theirs = psutil.Process(lfx[0].pid).memory_info().rss / MB
                yield Row(AGAINST, memory, "MB", against="lfx serve", other=theirs)
        yield _first_answer([*serve, "--port", "0", "--quiet"], env, home)
    yield from serving_models.measure(quick)


def _first_answer(serve: list[str], env: dict[str, str], home: str) -> Row:
    """Seconds from the start of a server to its first answer."""
    found = []
    for command in (serve, [sys.executable, "-c", BARE]):
        begun = time.perf_counter()
        with started(command, env) as (_, port):
            key = (Path(home) / "serve-key").read_text(encoding="utf-8").strip()
            asyncio.run(_once(Call(port, "/flows/plain/run", ASKED, key)))
            found.append(time.perf_counter() - begun)
    return Row(
        "patchbay serve, start to first answer", found[0], "s", 2.0, "at most", "ratio",
        "the bare route", found[1],
    )  # fmt: skip


async def _once(call: Call) -> None:
    reading, writing = await asyncio.open_connection("127.0.0.1", call.port)
    writing.write(call.request())
    await reading.readuntil(b"\r\n\r\n")
    writing.close()
