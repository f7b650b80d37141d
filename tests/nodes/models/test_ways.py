"""One answer for callers that await and for callers that block."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest

from patchbay.nodes.models.ways import Awaiting, Blocking, Mailbox, Way, driven


class Told:
    """A model of LangChain's shape, which notes how it was left."""

    def __init__(self, items: Any) -> None:
        self.items, self.left = items, ""

    def stream(self, *_given: Any, **_options: Any) -> Iterator[str]:
        try:
            for item in self.items:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.left = "stream"

    async def astream(self, *_given: Any, **_options: Any) -> AsyncGenerator[str, None]:
        try:
            for item in self.items:
                await asyncio.sleep(0)
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.left = "astream"


async def answer(way: Way, model: Told, ended: list[str]) -> AsyncGenerator[str, None]:
    """What a backend does: it asks a thread, another model, and tidies up."""
    coming: Mailbox[str] = way.mailbox()
    threading.Thread(target=lambda: coming.put("from a thread")).start()
    try:
        yield await coming.get()
        yield await way.apart(str.upper, "apart")
        await way.sleep(0.001)
        async with contextlib.aclosing(way.stream(model)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                yield chunk
    finally:
        await way.sleep(0)
        ended.append("tidy")


def asked(blocking: bool, model: Told, ended: list[str], most: int = 99) -> list[str]:
    if blocking:
        items, found = driven(answer(Blocking(), model, ended)), []
        for item in items:
            found.append(item)
            if len(found) == most:
                items.close()  # type: ignore[attr-defined]
        return found

    async def all_of() -> list[str]:
        found = []
        async with contextlib.aclosing(answer(Awaiting(), model, ended)) as items:
            async for item in items:
                found.append(item)
                if len(found) == most:
                    break
        return found

    return asyncio.run(all_of())


@pytest.mark.parametrize("blocking", [True, False])
def test_both_give_the_same(blocking: bool) -> None:
    model, ended = Told(["a", "b"]), list[str]()
    assert asked(blocking, model, ended) == ["from a thread", "APART", "a", "b"]
    assert (model.left, ended) == ("stream" if blocking else "astream", ["tidy"])


@pytest.mark.parametrize("blocking", [True, False])
def test_who_leaves_early_leaves_nothing_open(blocking: bool) -> None:
    model, ended = Told(["a", "b"]), list[str]()
    assert asked(blocking, model, ended, most=3) == ["from a thread", "APART", "a"]
    assert (model.left, ended) == ("stream" if blocking else "astream", ["tidy"])


@pytest.mark.parametrize("blocking", [True, False])
def test_a_failure_comes_through(blocking: bool) -> None:
    model, ended = Told(["a", ValueError("no")]), list[str]()
    with pytest.raises(ValueError, match="no"):
        asked(blocking, model, ended)
    assert (model.left, ended) == ("stream" if blocking else "astream", ["tidy"])


def test_what_waits_for_a_loop_is_said() -> None:
    async def waits() -> AsyncGenerator[int, None]:
        yield 1
        await asyncio.sleep(0)

    items = driven(waits())
    assert next(items) == 1
    with pytest.raises(RuntimeError, match="waits for an event loop"):
        next(items)


def test_a_thread_that_is_late_finds_nobody_and_goes_on() -> None:
    async def box() -> Mailbox[int]:
        return Awaiting().mailbox()

    asyncio.run(box()).put(1)


async def test_a_thread_on_a_loop_can_block_too() -> None:
    """As CrewAI does: a sync call inside of a process whose loop runs."""
    ended: list[str] = []
    found = list(driven(answer(Blocking(), Told(["a"]), ended)))
    assert (found[-1], ended) == ("a", ["tidy"])
