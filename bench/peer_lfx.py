"""`lfx serve`, Langflow's server of flows, in the peers' environment."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.http_calls import Call
from bench.peers import command
from bench.timing import run_process

KEY = "of-the-benchmark"
_STARTS_S = 120


@contextlib.contextmanager
def serving(folder: str) -> Iterator[tuple[subprocess.Popen[bytes], Call] | None]:
    """A server of lfx's own hello flow, which asks no model; None where lfx is not installed."""
    lfx = command("lfx")
    if lfx is None:
        yield None
        return
    run_process([lfx, "create", "hello", "--output-dir", folder])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    flow = str(Path(folder) / "hello.json")
    process = subprocess.Popen(
        [lfx, "serve", flow, "--port", str(port)], env={**os.environ, "LANGFLOW_API_KEY": KEY},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process, _call(port)
    finally:
        process.terminate()
        process.wait()


def _call(port: int) -> Call:
    until = time.monotonic() + _STARTS_S
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            found = httpx.get(f"http://127.0.0.1:{port}/flows", headers={"x-api-key": KEY})
            path = f"/flows/{found.json()[0]['id']}/run"
            return Call(port, path, {"input_value": "hi"}, KEY, "x-api-key: {key}")
        time.sleep(0.2)
    raise RuntimeError("lfx serve did not start")
