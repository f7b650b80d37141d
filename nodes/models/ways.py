"""Two ways in which the same answer is waited for: on an event loop, or by a thread that blocks.

LangChain wants each chat model twice, for callers that await and for callers that cannot (CrewAI,
scripts). Here a model writes its answer once, as an async generator that waits through its `Way`
alone. With `Blocking` nothing in it is ever suspended, so that `driven` can take it step by step
where no loop runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, Generic, TypeVar

from patchbay.nodes.models.wait import STEP_S, sleep

T = TypeVar("T")


class Mailbox(ABC, Generic[T]):
    """What another thread gives, in its order."""

    @abstractmethod
    def put(self, item: T) -> None:
        """Give something. From any thread, and after everybody has gone."""

    @abstractmethod
    async def get(self) -> T:
        """The next item, waited for."""


class Way(ABC):
    """How to wait."""

    @abstractmethod
    def mailbox(self) -> Mailbox[Any]:
        """For what a thread gives."""

    @abstractmethod
    async def apart(self, fn: Callable[..., T], *args: Any) -> T:
        """Call something that blocks."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Let some time pass."""

    @abstractmethod
    def stream(self, model: Any, *given: Any, **options: Any) -> AsyncGenerator[Any, None]:
        """The answer of another model of LangChain's, closed in the end."""


class Awaiting(Way):
    """On the event loop, which goes on meanwhile."""

    def mailbox(self) -> Mailbox[Any]:
        """One for this loop."""
        return _LoopMailbox()

    async def apart(self, fn: Callable[..., T], *args: Any) -> T:
        """In a thread."""
        return await asyncio.to_thread(fn, *args)

    async def sleep(self, seconds: float) -> None:
        """Others have their turn."""
        await asyncio.sleep(seconds)

    async def stream(self, model: Any, *given: Any, **options: Any) -> AsyncGenerator[Any, None]:
        """By its `astream`."""
        async with contextlib.aclosing(model.astream(*given, **options)) as chunks:
            async for chunk in chunks:
                yield chunk


class Blocking(Way):
    """In a thread that has nothing else to do."""

    def mailbox(self) -> Mailbox[Any]:
        """One that blocks."""
        return _ThreadMailbox()

    async def apart(self, fn: Callable[..., T], *args: Any) -> T:
        """Here."""
        return fn(*args)

    async def sleep(self, seconds: float) -> None:
        """The thread sleeps, and can be told to stop meanwhile."""
        sleep(seconds)

    async def stream(self, model: Any, *given: Any, **options: Any) -> AsyncGenerator[Any, None]:
        """By its `stream`."""
        with contextlib.closing(model.stream(*given, **options)) as chunks:
            for chunk in chunks:
                yield chunk


class _LoopMailbox(Mailbox[T]):
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[T] = asyncio.Queue()

    def put(self, item: T) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)

    async def get(self) -> T:
        return await self._items.get()


class _ThreadMailbox(Mailbox[T]):
    def __init__(self) -> None:
        self._items: queue.SimpleQueue[T] = queue.SimpleQueue()

    def put(self, item: T) -> None:
        self._items.put(item)

    async def get(self) -> T:
        while True:  # what is raised in this thread from outside comes between the steps
            with contextlib.suppress(queue.Empty):
                return self._items.get(timeout=STEP_S)


def driven(items: AsyncGenerator[T, None]) -> Iterator[T]:
    """The items of an async generator that never really waits, for a caller without a loop.

    Raises:
        RuntimeError: it waits.
    """
    try:
        while True:
            step = items.__anext__()
            try:
                step.send(None)
                step.throw(RuntimeError("It waits for an event loop."))
            except StopIteration as given:
                item: T = given.value
            except StopAsyncIteration:
                return
            yield item
    finally:
        with contextlib.suppress(StopIteration):
            items.aclose().send(None)
