"""Connections that are kept for the next call, and streams of plain JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import openai
import pytest
from langchain_core.messages import HumanMessage

from patchbay.nodes.models.servers.answered import causes
from patchbay.nodes.models.servers.openai import client, plain_streams, stream
from patchbay.nodes.models.servers.openai.plain_streams import ClientOfEachLoop, _asked
from patchbay.nodes.models.servers.openai.spec import OpenAiModel


@pytest.fixture(params=["aiohttp", "httpx"], autouse=True)
def below(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the calls go over: aiohttp, or httpx, where a proxy may stand between."""
    if request.param == "httpx":
        monkeypatch.setattr(client, "_quick_post", lambda *_: None)
    return str(request.param)


Hear = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

ABOUT = {"id": "x", "created": 1, "model": "told", "object": "chat.completion.chunk"}
DELTAS = (({"role": "assistant", "content": "Yes"}, None), ({"content": "."}, None), ({}, "stop"))


@pytest.fixture(autouse=True)
def _a_busy_machine_may_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_REST_S", 10.0)


class Site:
    """A server that keeps connections open, and counts them."""

    def __init__(self, late_end: bool, together: int) -> None:
        self.connections = 0
        self.left = asyncio.Event()
        self.together = asyncio.Barrier(together)
        self.asked: list[bytes] = []
        self._late = late_end

    async def hear(self, reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        """Answer one connection's requests."""
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reading.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length")
                )
                self.asked.append(await reading.readexactly(length))
                await self.together.wait()
                await self._answer(writing)
        self.left.set()
        writing.close()

    async def _answer(self, writing: asyncio.StreamWriter) -> None:
        writing.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        for delta, reason in DELTAS:
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            _chunk(writing, json.dumps({**ABOUT, "choices": [choice]}))
        _chunk(writing, "[DONE]")
        await writing.drain()
        if self._late:  # the mark of the end and the end of the body come apart
            await asyncio.sleep(0.01)
        writing.write(b"0\r\n\r\n")
        await writing.drain()


def _chunk(writing: asyncio.StreamWriter, text: str) -> None:
    data = f"data: {text}\n\n".encode()
    writing.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


@contextlib.asynccontextmanager
async def heard_by(hear: Hear) -> AsyncIterator[str]:
    """Answer connections until the end of the block; gives the address."""
    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


@contextlib.asynccontextmanager
async def site(late_end: bool = False, together: int = 1) -> AsyncIterator[tuple[Site, str]]:
    """Run it until the end of the block. It answers so many calls together, and none before."""
    found = Site(late_end, together)
    async with heard_by(found.hear) as address:
        yield found, address


async def said(model: object) -> str:
    pieces = [chunk.content async for chunk in model.astream("Is it?")]  # type: ignore[attr-defined]
    return "".join(pieces)


@pytest.mark.parametrize("late_end", [False, True], ids=["at once", "apart"])
async def test_calls_one_after_another_share_a_connection(late_end: bool) -> None:
    async with site(late_end) as (there, address):
        model = opened(address)
        assert [await said(model) for _ in range(4)] == ["Yes."] * 4
        assert there.connections == 1
        assert all(json.loads(body)["stream"] for body in there.asked)


async def test_calls_side_by_side_have_connections_of_their_own() -> None:
    async with site(late_end=True, together=3) as (there, address):
        model = opened(address)
        assert await asyncio.gather(*(said(model) for _ in range(3))) == ["Yes."] * 3
        assert there.connections == 3
        there.together = asyncio.Barrier(1)
        await said(model)
        assert there.connections == 3


async def test_connections_of_many_are_kept_for_as_many() -> None:
    """One client for all closes them: it counts those at work among those that it may keep."""
    async with site(together=24) as (there, address):
        model = opened(address)
        for _ in range(2):
            assert await asyncio.gather(*(said(model) for _ in range(24))) == ["Yes."] * 24
            assert there.connections == 24


async def test_connections_that_nobody_wants_are_closed(
    below: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if below == "aiohttp":
        pytest.skip("aiohttp closes them itself")
    async with site(together=3) as (_, address):
        model = opened(address)
        await asyncio.gather(*(said(model) for _ in range(3)))
        (free,) = model._inner.root_async_client._client._of.values()
        kept = [one for _, one in free._free]
        assert len(kept) == 3
        monkeypatch.setattr(plain_streams, "KEPT_S", -1.0)
        await asyncio.gather(*(said(model) for _ in range(3)))
        assert all(one.is_closed for one in kept)
        assert len(free._free) == 3


def test_a_model_is_asked_in_one_loop_after_another() -> None:
    async def ask() -> None:
        async with site() as (there, address):
            if not models:
                models.append(opened(address))
            model = models[0]
            inner = model._inner
            inner.root_async_client.base_url = address
            assert await said(model) == "Yes."
            assert there.connections == 1

    models: list = []
    for _ in range(3):
        asyncio.run(ask())


async def test_one_who_leaves_in_the_middle_leaves_no_half_read_connection() -> None:
    async with site(late_end=True) as (_, address):
        model = opened(address)
        async with contextlib.aclosing(model.astream("Is it?")) as coming:
            await anext(coming)
        assert await said(model) == "Yes."


def opened(address: str, **more: float):  # type: ignore[no-untyped-def]
    from patchbay.nodes.models.servers.openai.client import open_chat
    from patchbay.nodes.testing import RecordingContext

    return open_chat(OpenAiModel(base_url=address, model="told", **more), RecordingContext())


def test_what_is_said_of_a_request_is_never_in_its_body() -> None:
    asked = _asked({"model": "m", "extra_body": {}, "extra_headers": None, "extra_query": {"a": 1}})
    assert asked == {"body": {"model": "m"}, "options": {"params": {"a": 1}}}


def test_loops_that_are_over_are_let_go() -> None:
    made = ClientOfEachLoop(lambda: httpx.AsyncClient(trust_env=False), trust_env=False)

    async def ask() -> None:
        async with site() as (_, address):
            await made.post(address, json={})

    for _ in range(3):
        asyncio.run(ask())
    assert len(made._of) == 1


async def test_a_model_that_is_closed_lets_go_of_its_connections() -> None:
    async with site() as (there, address):
        model = opened(address)
        assert await said(model) == "Yes."
        await asyncio.to_thread(model.close)  # as the pool does
        if model._inner.async_client._quick is not None:
            await asyncio.wait_for(there.left.wait(), 60)
        assert await said(model) == "Yes."


async def test_what_a_server_refuses_is_raised_as_the_client_raises_it() -> None:
    async def refuse(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        await reading.readuntil(b"\r\n\r\n")
        body = b'{"error": {"message": "no room left", "code": "context_length_exceeded"}}'
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-length: {len(body)}\r\n"
        writing.write(f"{head}content-type: application/json\r\n\r\n".encode() + body)
        await writing.drain()
        writing.close()

    async with heard_by(refuse) as address:
        inner = opened(address, timeout_s=30)._inner
        with pytest.raises(openai.BadRequestError) as caught:
            [chunk async for chunk in inner.bare_stream([HumanMessage("Is it?")])]
        assert caught.value.code == "context_length_exceeded"


async def test_that_nobody_listens_is_raised_as_the_client_raises_it() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        inner = opened(address, timeout_s=30)._inner
        with pytest.raises(openai.APIConnectionError) as gone:
            [chunk async for chunk in inner.bare_stream([HumanMessage("Is it?")])]
    assert any(isinstance(cause, httpx.ConnectError) for cause in causes(gone.value))


async def test_one_who_stays_silent_is_a_timeout() -> None:
    async def say_nothing(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        await reading.read()
        writing.close()

    async with heard_by(say_nothing) as address:
        inner = opened(address, timeout_s=0.2)._inner
        with pytest.raises(openai.APITimeoutError):
            [chunk async for chunk in inner.bare_stream([HumanMessage("Is it?")])]
