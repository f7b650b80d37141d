"""A run that waits for people hears answers until it sleeps, and not a moment longer."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import NodeAnswered, RunWaiting, RunWarned, Tokens
from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.rest import Rest
from tests.flows.runs.harness import CATALOG

EVENT = RunWaiting(at=0.0, run="r", seconds=0.0, tokens=Tokens(), questions=("q",))
ANSWER = NodeAnswered(at=0.0, node="n", question="q", author="the deadline", answer={})


class OneAnswer:
    """A desk with an answer that may come while the run falls asleep."""

    def __init__(self, sleeps: bool) -> None:
        self.listeners: set[Any] = set()
        self.looked = 0
        self._sleeps = sleeps

    def refresh(self) -> list[NodeAnswered]:
        self.looked += 1
        return [ANSWER]

    def stored(self) -> dict[str, Any]:
        return {}

    def sleep(self, _event: RunWaiting) -> bool:
        time.sleep(0.02)
        return self._sleeps


async def test_who_falls_asleep_hears_nothing_that_others_have_to_wake_it_by() -> None:
    for sleeps in (True, False):
        desk: Any = OneAnswer(sleeps)
        told: list[Any] = []
        rest = Rest("r", replace(Environment(CATALOG, Pool()), desk=desk), told.append)
        falling = asyncio.ensure_future(rest.sleeps(EVENT))
        await asyncio.sleep(0)
        assert await rest.hear() is not sleeps
        assert await falling is sleeps
        assert (desk.looked, told) == ((0, []) if sleeps else (1, [ANSWER]))


class Refusing(OneAnswer):
    """A desk whose disk refuses some times to say what the run has done, or to stop it."""

    def __init__(self, times: int) -> None:
        super().__init__(sleeps=True)
        self.left, self.slept = times, 0

    def _disk(self) -> None:
        if self.left:
            self.left -= 1
            raise FlowError([Problem("history/disk", "The disk is full.", "Make room.")])

    def refresh(self) -> list[NodeAnswered]:
        return super().refresh() if not self.looked else []

    def stored(self) -> dict[str, Any]:
        self._disk()
        return {"n/inner": "done"}

    def sleep(self, _event: RunWaiting) -> bool:
        self.slept += 1
        return True

    def stop(self) -> bool:
        self._disk()
        return True


def resting(desk: Any) -> tuple[Rest, list[Any], list[int]]:
    """A run at that desk, what it tells, and a list that grows when it wakes its nodes."""
    told: list[Any] = []
    woken: list[int] = []
    desk.listeners.add(lambda: woken.append(1))
    env = replace(Environment(CATALOG, Pool()), desk=desk, stored={})
    return Rest("r", env, told.append), told, woken


async def test_an_answer_that_was_heard_while_the_disk_refused_is_told_at_the_next_look() -> None:
    rest, told, woken = resting(Refusing(1))
    assert not await rest.hear()
    assert (told, woken) == ([], [])
    assert await rest.hear()
    assert (told, woken) == ([ANSWER], [1])
    assert rest.env.stored == {"n/inner": "done"}
    assert not await rest.hear(), "it is told once"


async def test_nobody_falls_asleep_with_an_answer_that_was_heard() -> None:
    for times, said in ((1, []), (9, ["What was done before the answer could not be read"])):
        desk = Refusing(times)
        rest, told, woken = resting(desk)
        assert not await rest.hear()
        assert not await rest.sleeps(EVENT)
        assert (desk.slept, woken) == (0, [1])
        assert [e.message.partition(".")[0] for e in told if isinstance(e, RunWarned)] == said
        assert told[-1] is ANSWER


async def test_a_stop_is_tried_again_where_the_disk_refuses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("patchbay.flows.runs.rest.STOP_AGAIN_S", (0.0, 0.0))
    for times, stopped in ((2, True), (9, False)):
        rest, told, _ = resting(Refusing(times))
        rest.stop_asked = True
        assert await rest.is_stopped_falling_asleep() is stopped
        assert ["Stop it again" in event.message for event in told] == ([] if stopped else [True])
    assert "could not be recorded" in caplog.text


async def test_a_stop_in_its_sleep_is_tried_again_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patchbay.flows.runs.rest.STOP_AGAIN_S", (0.0, 0.0))
    desk = Refusing(2)
    rest, _, _ = resting(desk)
    assert not await rest.is_stopped_falling_asleep()
    assert rest.ask_stop(), "it sleeps"
    while any(thread.name == "patchbay-stop" for thread in threading.enumerate()):
        await asyncio.sleep(0.01)
    assert desk.left == 0
