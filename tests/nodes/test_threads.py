"""Threads that blocking calls run in, and what reaches them when nobody waits any more."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time

import pytest

from patchbay.nodes.threads import TURN_S, in_thread, take_short_turns


async def test_what_is_raised_reaches_no_thread_that_the_call_begins(monkeypatch) -> None:
    """Libraries begin threads (asyncio does where a loop ends): each has the number of the one that
    begins it for a moment."""
    astray: list[BaseException] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: astray.append(told.exc_value))
    monkeypatch.setattr(threading, "excepthook", lambda told: astray.append(told.exc_value))
    running: list[threading.Thread] = []

    def begin_threads() -> None:
        running.append(threading.current_thread())
        while True:
            other = threading.Thread(target=time.sleep, args=(0,), daemon=True)
            other.start()
            other.join()

    for _ in range(20):
        call = asyncio.create_task(in_thread(begin_threads))
        await asyncio.sleep(0.02)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    for thread in running:
        thread.join(60)
    assert [thread for thread in running if thread.is_alive()] == []
    assert astray == []


async def test_a_call_that_has_just_ended_is_not_interrupted_in_the_thread_after_it() -> None:
    """The system gives the number of a thread that has ended to the next one."""
    hit: list[BaseException] = []

    def later() -> None:
        try:
            until = time.monotonic() + 0.3
            while time.monotonic() < until:
                pass
        except BaseException as error:
            hit.append(error)

    loop = asyncio.get_running_loop()
    for _ in range(3):
        gate, others = threading.Event(), [threading.Thread(target=later)]
        task = asyncio.create_task(in_thread(gate.wait))
        await asyncio.sleep(0.02)

        def ends(gate: threading.Event = gate, others: list[threading.Thread] = others) -> None:
            gate.set()
            time.sleep(0.05)  # it ends, another begins, and the loop has not heard of it
            others[0].start()

        loop.call_soon(ends)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.to_thread(others[0].join)
    assert hit == []


@pytest.mark.parametrize("usual", [0.005, TURN_S / 5])
def test_turns_are_short_and_are_not_made_longer(usual: float) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(usual)
    try:
        take_short_turns()
        assert sys.getswitchinterval() == pytest.approx(min(usual, TURN_S), abs=2e-6)
    finally:
        sys.setswitchinterval(before)
