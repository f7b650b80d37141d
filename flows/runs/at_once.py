"""Nodes that never wait, told from their code, and run without a task of asyncio."""

from __future__ import annotations

import inspect
import threading
import time
import types
from collections.abc import Callable, Coroutine
from functools import lru_cache
from opcode import opmap
from typing import Any, TypeVar

T = TypeVar("T")

REST_S = 0.005
"""How long nodes that never wait may follow one another before others get a turn, in seconds."""


class _Turn(threading.local):
    """How long the event loop of this thread has not had a turn: of all runs in it together."""

    began = 0.0

    def is_over(self) -> bool:
        """Whether others are to get a turn."""
        return time.perf_counter() - self.began > REST_S

    def begin(self) -> None:
        """Others had theirs."""
        self.began = time.perf_counter()


TURN = _Turn()

_SEND = opmap["SEND"]
"""The instruction by which a coroutine hands on what the one that it awaits gives. Every `await`,
`async with` and `async for` is compiled to it, and nothing else in a coroutine is."""


@lru_cache(maxsize=4096)
def never_waits(fn: Callable[..., Any]) -> bool:
    """Whether a coroutine function awaits nothing, on any way through it.

    One of which that cannot be known (a plain function that returns an awaitable, one written in C,
    a wrapper that passes the code of what it wraps off as its own, as wrapt's do) may wait.
    """
    if type(fn) is not types.FunctionType:
        return False
    code = fn.__code__
    if not code.co_flags & inspect.CO_COROUTINE:
        return False
    return _SEND not in code.co_code[::2]  # an instruction is two bytes: what to do, and with what


def finished(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives that never waits.

    Raises:
        RuntimeError: it waits after all.
    """
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("It waits, although its code says that it does not.")
