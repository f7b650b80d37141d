"""A worker that is gone, or goes in the midst: real sockets, no worker behind them."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from patchbay.flows.server.workers.forwarding import Forwarding, socket_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such sockets there")
ITS = "/runs/00000000-w1-0123456789"
"""A run of worker 1."""


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """The application of this worker: says what it was sent."""
    request = Request(scope, receive)
    told = {"here": (await request.body()).decode(), "path": scope["path"]}
    await JSONResponse(told)(scope, receive, send)


@pytest.fixture
def folder() -> Iterator[Path]:
    found = tempfile.mkdtemp(prefix="pb-")  # a short path: that of a socket has 104 signs
    yield Path(found)
    shutil.rmtree(found)


@pytest.fixture
async def here(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Worker 0."""
    transport = httpx.ASGITransport(Forwarding(echo, 0, folder))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        yield client


async def call(here: httpx.AsyncClient, method: str, path: str, body: bytes) -> httpx.Response:
    async with asyncio.timeout(60):
        return await here.request(method, ITS + path, content=body)


CALLS = [
    ("POST", "/answer", b'{"approve": true}'),
    ("POST", "/cancel", b""),
    ("POST", "/feedback", b"x" * 300_000),
    ("GET", "", b""),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
async def test_for_a_worker_that_died_this_one_answers(here, folder, method, path, body):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(socket_of(folder, 1)))  # a file is left, and nobody listens
    answer = await call(here, method, path, body)
    assert answer.json() == {"here": body.decode(), "path": ITS + path}


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 20"])
async def test_one_that_dies_before_it_answers_is_said(here, folder, method, path, body, said):
    async def dies(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        await reading.readuntil(b"\r\n\r\n")
        writing.write(said)
        with contextlib.suppress(OSError):
            await writing.drain()
        writing.close()

    async with await asyncio.start_unix_server(dies, socket_of(folder, 1)):
        answer = await call(here, method, path, body)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["error"]["code"] == "serve/worker-ended"


async def test_no_certificates_are_read_for_it(here, folder, monkeypatch):
    """Nothing is encrypted between workers, and reading them takes longer than all the rest."""

    async def answers(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        await reading.readuntil(b"\r\n\r\n")
        writing.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nit")
        await writing.drain()
        writing.close()

    def read(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", read)
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", read)
    async with await asyncio.start_unix_server(answers, socket_of(folder, 1)):
        answer = await call(here, "GET", "", b"")
    assert answer.text == "it"


async def test_a_caller_who_left_before_the_body_came_is_not_forwarded(folder, here):
    socket_of(folder, 1).touch()
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": f"{ITS}/answer", "headers": []}
    async with asyncio.timeout(60):
        await Forwarding(echo, 0, folder)(scope, receive, send)
    assert sent == []


async def test_what_any_worker_may_have_is_told_to_all_of_them(folder, here):
    """The button of Flowise's widget names its chat, which says of no worker."""
    told: list[bytes] = []

    async def hears(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        told.append(await reading.readuntil(b"\r\n\r\n"))
        writing.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await writing.drain()
        writing.close()

    path = "/api/v1/chatmessage/abort/ask/of-ada"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(socket_of(folder, 2)))  # and one that has died holds nothing up
        async with await asyncio.start_unix_server(hears, socket_of(folder, 1)):
            async with asyncio.timeout(60):
                answer = await here.put(path, headers={"authorization": "Bearer x"})
                again = await here.put(path, headers={"x-patchbay-passed-on": "1"})
    assert answer.json() == again.json() == {"here": "", "path": path}
    (request,) = told
    assert request.startswith(f"PUT {path} ".encode())
    assert b"bearer x" in request.lower()
