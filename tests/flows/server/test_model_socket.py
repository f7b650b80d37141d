"""The process of the models is started when it is wanted, and not in a loop where it cannot be."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from patchbay.flows.server.workers import model_socket
from patchbay.flows.server.workers.model_socket import ModelSocket

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers share no port there")
DIES = "import sys; open(sys.argv[1], 'a').write('x')"
"""A process that ends before it takes a connection, and leaves a mark."""
ANSWERS = """
import socket, sys
open(sys.argv[1], 'a').write('x')
listening = socket.socket(fileno=int(sys.argv[2]))
listening.setblocking(True)
listening.accept()[0].sendall(b'here')
"""
"""One that answers a single connection, and ends."""


@pytest.fixture
def folder() -> Iterator[Path]:
    found = tempfile.mkdtemp(prefix="pb-")  # a short path: that of a socket has 104 signs
    yield Path(found)
    shutil.rmtree(found)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.02)


def python(code: str, marks: Path) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", code, str(marks))


def count(marks: Path) -> int:
    return len(marks.read_text()) if marks.exists() else 0


async def answered(folder: Path) -> bytes:
    async with asyncio.timeout(60):
        reading, writing = await asyncio.open_unix_connection(folder / "models.sock")
        try:
            return await reading.read()
        finally:
            writing.close()


async def test_one_that_dies_at_once_is_started_later_each_time(folder, monkeypatch):
    marks = folder / "marks"
    waits: list[float] = []
    real = asyncio.sleep

    async def noted(seconds: float) -> None:
        if seconds >= model_socket._FIRST_WAIT_S:
            waits.append(seconds)
            seconds = 0.0
        await real(seconds)

    monkeypatch.setattr(model_socket.asyncio, "sleep", noted)
    models = ModelSocket(folder, python(DIES, marks))
    try:
        assert count(marks) == 0, "nobody has asked for it yet"
        _, writing = await asyncio.open_unix_connection(folder / "models.sock")
        await until(lambda: len(waits) >= 4)
        writing.close()
    finally:
        models.close()
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]


async def test_one_that_cannot_be_started_is_tried_again(folder, monkeypatch):
    marks = folder / "marks"
    monkeypatch.setattr(model_socket, "_FIRST_WAIT_S", 0.01)
    models = ModelSocket(folder, (str(folder / "no-such-program"),))
    try:
        asked = asyncio.ensure_future(answered(folder))
        await until(lambda: models._waits_s >= 0.02)
        models._words = python(ANSWERS, marks)
        assert await asked == b"here"
        assert await answered(folder) == b"here", "and the next one after it ended"
    finally:
        models.close()
    assert count(marks) == 2


async def test_one_that_is_closed_starts_no_more(folder):
    marks = folder / "marks"
    models = ModelSocket(folder, python(DIES, marks))
    _, writing = await asyncio.open_unix_connection(folder / "models.sock")
    await until(lambda: models._waits_s > 0)
    models.close()
    writing.close()
    with contextlib.suppress(asyncio.CancelledError):
        await models._watching
    assert count(marks) == 1
