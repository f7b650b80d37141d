"""Blocking code in threads that can be stopped."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

POLITE_S = 0.2
"""How long a call that was told to stop may take before it is interrupted, in seconds."""

GRACE_S = 0.6
"""How long an interrupted call may take to end before it is left behind, in seconds."""

_MOMENT_S = 0.002

TURN_S = 0.0005
"""How long a thread of a server computes before another has its turn, in seconds."""


def take_short_turns() -> None:
    """Let the threads of this process take turns of `TURN_S`, for as long as it lives.

    Whoever serves a socket gives its turn away with each call to the system, and gets it back when
    the thread that computes meanwhile has had its own: 5 ms each time as Python sets it (the convoy
    effect, CPython issue 7946, 2010). Called where a process that serves people begins.
    """
    sys.setswitchinterval(min(TURN_S, sys.getswitchinterval()))


class ThreadCancelled(BaseException):
    """Raised inside a worker thread whose caller has gone."""


async def in_thread(
    fn: Callable[..., T], *args: Any, stop: Callable[[], None] | None = None, **kwargs: Any
) -> T:
    """Run `fn` in a daemon thread and wait for it.

    On cancellation `stop` is called; if the thread still runs a moment later, `ThreadCancelled` is
    raised in it at its next Python instruction, and it is given `GRACE_S` to end. A thread that is
    stuck in foreign code is left behind; being a daemon, it does not keep the process alive.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    ended = asyncio.Event()

    def settle(result: T | None, error: BaseException | None) -> None:
        ended.set()
        if done.done():
            return
        if error is None:
            done.set_result(result)  # type: ignore[arg-type]
        elif isinstance(error, (StopIteration, ThreadCancelled)):
            done.set_exception(RuntimeError(f"{type(error).__name__} left a blocking call"))
        else:
            done.set_exception(error)

    guard, over = threading.Lock(), threading.Event()

    def work() -> None:
        result, error = None, None
        try:
            try:
                result = fn(*args, **kwargs)
            except BaseException as caught:  # handed to the caller as it is
                error = caught
            with guard:  # from here on nobody raises anything in it: its number may be another's
                over.set()
        except ThreadCancelled as late:
            over.set()
            error = error or late
        for _ in range(2):  # what was raised just before may arrive as late as here
            try:
                loop.call_soon_threadsafe(settle, result, error)
            except RuntimeError:
                return  # the loop has closed: nobody waits any more
            except ThreadCancelled:
                continue
            return

    thread = threading.Thread(target=work, name=f"patchbay-{_name(fn)}", daemon=True)
    thread.start()
    try:
        return await done
    except asyncio.CancelledError:
        if stop is not None:
            stop()
            await _wait(ended, POLITE_S)
        await _interrupt(thread, guard, over, ended)
        raise


async def whole_in_thread(fn: Callable[..., T], *args: Any) -> T:
    """Run `fn` in a thread, to its end: what writes must not be left in the middle.

    A cancellation that comes meanwhile is raised when it has ended.
    """
    try:
        work = asyncio.get_running_loop().run_in_executor(None, fn, *args)
    except RuntimeError:  # Python is on its way out and begins no threads any more
        return fn(*args)
    cancelled = False
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        if not work.cancelled():
            work.exception()  # nobody is left to hear of it
        raise asyncio.CancelledError
    return work.result()


async def _interrupt(
    thread: threading.Thread, guard: threading.Lock, over: threading.Event, ended: asyncio.Event
) -> None:
    """Raise `ThreadCancelled` in a thread that works, and give it `GRACE_S` to end.

    Args:
        thread: the thread.
        guard: what it holds while it says that it is over.
        over: whether it is.
        ended: set when its caller knows.
    """
    until = time.monotonic() + GRACE_S
    while not ended.is_set() and time.monotonic() < until:
        with guard:
            if over.is_set() or _raised_in(thread):
                break
        await _wait(ended, _MOMENT_S)
    await _wait(ended, GRACE_S)


async def _wait(ended: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ended.wait()


def _begins_another(thread: threading.Thread) -> bool:
    """Whether a thread is about to begin one. In CPython 3.11 that one has its number until it
    runs, so that what is raised by number would be raised in the wrong one."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        if frame.f_code is threading.Thread.start.__code__:
            return True
        frame = frame.f_back
    return False


def _raised_in(thread: threading.Thread) -> bool:
    """Raise `ThreadCancelled` in a thread, unless it is about to begin another."""
    import ctypes

    if thread.ident is None or _begins_another(thread):
        return False
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), ctypes.py_object(ThreadCancelled)
    )
    return True


def _name(fn: Callable[..., object]) -> str:
    return getattr(fn, "__name__", type(fn).__name__)
