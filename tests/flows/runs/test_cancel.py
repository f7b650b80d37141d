"""Stopping a run: at once, cleanly, with nothing left behind."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from patchbay.flows.runs.events import RunCancelled
from patchbay.flows.runs.running import Run
from tests.flows.runs.harness import OUT, environment, flow, words
from tests.flows.runs.nodes import Hang, Thing


def hanging(how: str) -> Run:
    Hang.left.clear()
    Hang.began.clear()
    document = flow({"h": ("test.hang", {"how": how}), "o": OUT}, ["h.text > o.value"])
    return Run(document, {}, environment())


def threads() -> list[str]:
    """Those that a run may leave; other tests of this process may have a server of their own."""
    ours = (t for t in threading.enumerate() if t.name.startswith("patchbay"))
    return [thread.name for thread in ours if thread not in BEFORE]


BEFORE: set[threading.Thread] = set()
PATIENCE_S = 60.0
"""Far more than anything here takes, on a machine that does other things too."""


@pytest.fixture(autouse=True)
def _threads_before() -> None:
    BEFORE.clear()
    BEFORE.update(threading.enumerate())


async def until_it_hangs() -> None:
    """What is cancelled has begun, however long a busy machine takes for it."""
    async with asyncio.timeout(PATIENCE_S):
        while not Hang.began:
            await asyncio.sleep(0.01)


async def no_threads() -> None:
    """A thread that has said its last word may need a moment to be gone."""
    deadline = time.monotonic() + PATIENCE_S
    while threads() and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    assert threads() == []


@pytest.mark.parametrize("how", ["async", "thread", "polite"])
async def test_cancel_ends_the_run_and_leaves_no_thread(how: str) -> None:
    run = hanging(how)

    async def cancel() -> None:
        await until_it_hangs()
        run.cancel()

    cancelling = asyncio.create_task(cancel())
    events = [event async for event in run.events()]
    await cancelling
    assert words(events) == ["start h", "cancelled"]
    assert isinstance(events[-1], RunCancelled)
    await no_threads()
    assert Hang.left == ([] if how == "async" else [how])


async def test_cancel_from_another_thread() -> None:
    run = hanging("async")

    def cancel() -> None:
        while not Hang.began:
            time.sleep(0.01)
        run.cancel()

    threading.Thread(target=cancel, daemon=True).start()
    assert words([event async for event in run.events()]) == ["start h", "cancelled"]


async def test_cancel_before_the_start() -> None:
    run = hanging("async")
    run.cancel()
    assert words([event async for event in run.events()])[-1] == "cancelled"


async def test_leaving_the_events_early_stops_the_run() -> None:
    run = hanging("thread")
    events = run.events()
    await anext(events)
    await anext(events)
    await until_it_hangs()
    await events.aclose()
    assert Hang.left == ["thread"]
    await no_threads()


async def test_cancel_while_something_opens_ends_the_opening() -> None:
    Thing.opened.clear()
    document = flow(
        {"t": "test.thing", "u": "test.use", "o": OUT}, ["t.thing > u.thing", "u.most > o.value"]
    )
    env = environment()
    run = Run(document, {}, env)
    async for event in run.events():
        if getattr(event, "label", "") == "opening thing":
            run.cancel()
    await no_threads()
    assert env.pool.resident() == []


async def test_a_run_that_waits_to_retry_stops_too() -> None:
    document = flow(
        {"f": ("test.fail", {"name": "retry-stop"}, {"retries": 5, "backoff_s": 60}), "o": OUT},
        ["f.text > o.value"],
    )
    run = Run(document, {}, environment())
    found = []
    async for event in run.events():
        found.append(event)
        if event.type == "node_retrying":
            run.cancel()
    assert words(found)[-1] == "cancelled"
