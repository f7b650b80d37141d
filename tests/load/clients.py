"""Clients, well-behaved and not. Each is one visit; it raises where the server is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

WORDS = " ".join("abcdefghij")
"""Takes the flow `slow` half a second."""


@dataclass
class Visitor:
    """Somebody who calls the server.

    Args:
        host: where it is.
        port: likewise.
        key: what it takes.
        chance: what decides how it behaves.
    """

    host: str
    port: int
    key: str
    chance: random.Random
    refused: int = 0
    """How often the server was full."""
    background: list[str] = field(default_factory=list)
    """Runs that were begun in the background."""

    @contextlib.asynccontextmanager
    async def line(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection, which is closed in whatever state it is."""
        reading, writing = await asyncio.open_connection(self.host, self.port)
        try:
            yield reading, writing
        finally:
            writing.transport.abort()

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        """A request as it stands on the wire."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        given = {"Authorization": f"Bearer {self.key}", "Content-Length": str(len(body)), **headers}
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

    async def call(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        """Call, and read the whole answer as JSON."""
        data = (
            b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        async with self.line() as (reading, writing):
            writing.write(self.request(method, path, data, Connection="close", **headers))
            head = await reading.readuntil(b"\r\n\r\n")
            text = await reading.read()
        status = int(head.split(b" ", 2)[1])
        if b"transfer-encoding: chunked" in head.lower():
            text = unchunked(text)
        if status == 429:
            self.refused += 1
        return status, json.loads(text) if text else None

    async def events(
        self, reading: asyncio.StreamReader, most: int = 10_000
    ) -> list[tuple[str, str]]:
        """Ids and types of the events of a stream, at most so many; to its end unless there are."""
        found: list[tuple[str, str]] = []
        held = ""
        while len(found) < most:
            piece = await asyncio.wait_for(reading.read(65_536), 60)
            if not piece:
                break
            held += piece.decode("utf-8", "replace")
            *blocks, held = held.split("\n\n")
            for block in blocks:
                fields = dict(x.strip().split(": ", 1) for x in block.split("\n") if ": " in x)
                if "id" in fields:
                    found.append((fields["id"], fields.get("event", "")))
        return found


def unchunked(text: bytes) -> bytes:
    """The body of a chunked answer."""
    found = b""
    while text:
        size, _, text = text.partition(b"\r\n")
        count = int(size or b"0", 16)
        found, text = found + text[:count], text[count + 2 :]
        if not count:
            break
    return found


def right(true: object, what: object) -> None:
    """Check what the server said."""
    if not true:
        raise AssertionError(what)


async def runs(me: Visitor) -> None:
    """One run, as it should be."""
    status, told = await me.call("POST", "/flows/shout/run", {"text": "hi"})
    right(status == 429 or told["outputs"] == {"answer": "HI"}, told)


async def streams(me: Visitor) -> None:
    """A stream, read to its end."""
    async with me.line() as (reading, writing):
        body = json.dumps({"question": WORDS, "stream": True}).encode()
        writing.write(me.request("POST", "/flows/slow/run", body))
        head = await reading.readuntil(b"\r\n\r\n")
        if b" 429 " in head[:20]:
            me.refused += 1
            return
        found: list[tuple[str, str]] = []
        while not found or not found[-1][1].startswith("run_") or found[-1][1] == "run_started":
            more = await me.events(reading, 1)
            right(more, f"the stream ended at {found[-1:]}")
            found += more
        right(found[-1][1] == "run_finished", found[-1])


async def leaves(me: Visitor) -> None:
    """A stream that is left in its midst."""
    async with me.line() as (reading, writing):
        body = json.dumps({"question": WORDS * 4, "stream": True}).encode()
        writing.write(me.request("POST", "/flows/slow/run", body))
        await me.events(reading, me.chance.randint(1, 6))


async def leaves_before_the_answer(me: Visitor) -> None:
    """A run whose caller does not wait for it."""
    async with me.line() as (_, writing):
        body = json.dumps({"question": WORDS * 4}).encode()
        writing.write(me.request("POST", "/flows/slow/run", body))
        await writing.drain()
        await asyncio.sleep(me.chance.random() / 2)


async def stalls(me: Visitor) -> None:
    """A stream that nobody reads for a while."""
    async with me.line() as (reading, writing):
        body = json.dumps({"question": WORDS * 4, "stream": True}).encode()
        writing.write(me.request("POST", "/flows/words/run", body))
        reading._transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(me.chance.uniform(1, 4))


async def sends_half(me: Visitor) -> None:
    """A request that is never whole."""
    async with me.line() as (_, writing):
        whole = me.request("POST", "/flows/shout/run", b'{"text": "' + b"a" * 2000 + b'"}')
        writing.write(whole[: me.chance.randint(1, len(whole) - 1)])
        await writing.drain()
        await asyncio.sleep(me.chance.uniform(0, 3))


async def reconnects(me: Visitor) -> None:
    """A stream that breaks and is taken up: no event twice, none lost."""
    status, told = await me.call("POST", "/flows/slow/run", {"question": WORDS, "background": True})
    if status == 429:
        return
    path, last, seen = f"/runs/{told['run']}/events", "", []
    while not seen or seen[-1][1] != "run_finished":
        async with me.line() as (reading, writing):
            headers = {"Last_Event_ID": last} if last else {}
            writing.write(me.request("GET", path, **headers))
            head = await reading.readuntil(b"\r\n\r\n")
            right(b" 200 " in head[:20], head)
            more = await me.events(reading, me.chance.randint(1, 4))
        right(more, f"{path} ended at {seen[-1:]}")
        seen += more
        last = more[-1][0]
        if any(type == "run_finished" for _, type in more):
            break
    numbers = [int(id.rpartition(".")[2]) for id, _ in seen]
    right(numbers == sorted(set(numbers)), numbers)
    right(numbers == list(range(1, len(numbers) + 1)), numbers)


async def cancels(me: Visitor) -> None:
    """A run in the background that is stopped."""
    status, told = await me.call(
        "POST", "/flows/slow/run", {"question": WORDS * 4, "background": True}
    )
    if status == 429:
        return
    status, ended = await me.call("POST", f"/runs/{told['run']}/cancel")
    right(ended["status"] == "cancelled", ended)


async def sends_a_file(me: Visitor) -> None:
    """A form with a file, which is gone afterwards."""
    head = 'Content-Disposition: form-data; name="file"; filename="a.txt"'
    body = f"--cut\r\n{head}\r\n\r\n{'x' * 5000}\r\n--cut--\r\n".encode()
    kind = "multipart/form-data; boundary=cut"
    status, told = await me.call("POST", "/flows/size/run", body, Content_Type=kind)
    right(status == 429 or told["outputs"]["size"] == 5000, told)


async def is_wrong(me: Visitor) -> None:
    """Something that is refused."""
    path, body, expected = me.chance.choice(
        [
            ("/flows/shou/run", b"{}", 404),
            ("/flows/shout/run", b"{no", 400),
            ("/flows/shout/run", b'{"txt": 1}', 400),
        ]
    )
    status, told = await me.call("POST", path, body)
    right(status in (expected, 429) and "error" in told, (status, told))


async def answers(me: Visitor) -> None:
    """A run that asks, and is answered."""
    status, told = await me.call("POST", "/flows/approve/run", {"mail": "Dear Ada"})
    if status == 429:
        return
    right(told["status"] == "waiting", told)
    status, told = await me.call("POST", f"/runs/{told['run']}/answer", {"approve": True})
    right(status == 429 or told["outputs"] == {"sent": "Dear Ada"}, told)


async def chats(me: Visitor) -> None:
    """A stream of OpenAI's protocol, left now and then."""
    body = {"model": "slow", "stream": True, "messages": [{"role": "user", "content": WORDS}]}
    async with me.line() as (reading, writing):
        writing.write(me.request("POST", "/v1/chat/completions", json.dumps(body).encode()))
        if me.chance.random() < 0.5:
            with contextlib.suppress(asyncio.IncompleteReadError):
                await asyncio.wait_for(reading.readuntil(b"[DONE]"), 60)
        else:
            await reading.read(200)


VISITS: tuple[Callable[[Visitor], Awaitable[None]], ...] = (
    runs, runs, streams, leaves, leaves_before_the_answer, stalls, sends_half, reconnects, cancels,
    sends_a_file, is_wrong, answers, chats,
)  # fmt: skip
