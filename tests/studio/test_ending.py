"""Streams to pages end when the server ends; those that begin after that do too."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.studio.chat import stream
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.runs.progress import Progress
from patchbay.studio.server import news_queue
from patchbay.studio.server.ending import ServerEnd
from patchbay.studio.server.grants import Grant
from patchbay.studio.server.news import news
from patchbay.studio.server.services import services


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> ServerEnd:
    """An end of the test's own, and a run `r` that goes on."""
    own = ServerEnd()
    monkeypatch.setattr(news_queue, "ending", own)
    run: Any = SimpleNamespace(thread="talk")
    live = LiveRun("r", "doc", "ann", Flow(), None, {}, (), run, Progress())
    live.events.append({"type": "node_started", "node": "a"})
    monkeypatch.setattr(services().runner, "_runs", {"r": live})
    return own


def the_news() -> AsyncIterator[Any]:
    return news(Grant("doc", "ann"))


def a_turn() -> AsyncIterator[Any]:
    return stream.pieces("r")


STREAMS = [the_news, a_turn]


@pytest.mark.parametrize("opened", STREAMS)
def test_a_stream_ends_with_the_server(
    ending: ServerEnd, opened: Callable[[], AsyncIterator[Any]]
) -> None:
    async def read() -> None:
        reading = asyncio.ensure_future(all_of(opened()))
        done, _ = await asyncio.wait([reading], timeout=0.2)
        assert not done  # it goes on as long as the server does
        ending.begin()
        await asyncio.wait_for(reading, 10)

    asyncio.run(read())


@pytest.mark.parametrize("opened", STREAMS)
def test_one_that_begins_while_the_server_ends_is_short(
    ending: ServerEnd, opened: Callable[[], AsyncIterator[Any]]
) -> None:
    ending.begin()
    asyncio.run(asyncio.wait_for(all_of(opened()), 10))


async def all_of(pieces: AsyncIterator[Any]) -> list[Any]:
    return [piece async for piece in pieces]


@pytest.fixture
def signals() -> Iterator[list[int]]:
    """The signals that the server was told of; the process has its own again afterwards."""
    told: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda number, frame: told.append(number))
    yield told
    for number, handler in before.items():
        signal.signal(number, handler)


def test_what_a_signal_does_besides_stays(signals: list[int]) -> None:
    ended, own = [], ServerEnd()
    own.hear(lambda: ended.append("here"))
    no_more = own.hear(lambda: ended.append("not here"))
    no_more()
    own.watch()
    signal.raise_signal(signal.SIGTERM)
    assert (signals, ended) == ([signal.SIGTERM], ["here"])


def test_an_ignored_signal_stays_ignored(signals: list[int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ServerEnd().watch()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
