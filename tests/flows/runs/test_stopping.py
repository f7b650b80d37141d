"""Runs that are stopped while they wait: their questions close, and an answer is refused."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows import FlowError, History, RunError, Threads, run, stop
from patchbay.flows.runs import stopping
from patchbay.flows.runs.answers import find, give, gone_on_with
from patchbay.flows.runs.events import RunWaiting
from patchbay.flows.runs.inbox import RunEndedError
from patchbay.flows.runs.rest import Rest
from patchbay.flows.runs.resume import resumed_run
from patchbay.flows.runs.running import Run
from tests.flows.runs.harness import OUT, flow
from tests.flows.runs.people import env_of, goes_on, recorded_run, told
from tests.flows.runs.test_threads import TALK
from tests.stores import another, change, url_of

ASKS = flow({"ask": "test.ask", "o": OUT}, ["ask.text > o.value"])
TWO = flow({"two": "test.ask_two", "o": OUT}, ["two.text > o.value"])
TALK_ASKS = flow(
    {
        "q": ("io.input", {"name": "said", "kind": "messages"}),
        "t": ("prompt.template", {"template": "{said}"}),
        "ask": "test.ask",
        "o": OUT,
    },
    ["q.value > t.said", "t.text > ask.text", "ask.text > o.value"],
)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(url_of(tmp_path / "history.sqlite"))


@pytest.mark.parametrize("document", [ASKS, TWO])
def test_its_questions_close_and_an_answer_is_refused(history: History, document: Any) -> None:
    waits = run(document, record=True, history=history, environment=env_of())
    waits.stop()
    assert history.get(waits.run).status == "cancelled"
    assert history.inbox.open() == []
    assert history.events(waits.run)[-1]["type"] == "run_cancelled"
    for question in (None, waits.questions[0].id):
        with pytest.raises(FlowError, match=r"has been stopped; nobody waits.*--resume"):
            waits.answer(question, choose="a")
    with pytest.raises(FlowError, match="nothing to stop"):
        waits.stop()


def test_who_found_the_question_before_is_refused_as_well(history: History) -> None:
    waits = run(ASKS, record=True, history=history, environment=env_of())
    asked = find(history, waits.run)
    stop(waits.run, history=history)
    with pytest.raises(RunEndedError):
        give(history, asked, True)
    assert history.inbox.answers_of(waits.run) == {}, "nothing was changed"


async def test_it_may_be_resumed_and_asks_again(history: History) -> None:
    first = recorded_run(history, ASKS)
    await told(first)
    stop(first.id, history=history)
    again = resumed_run(history, history.get(first.id), env_of())
    assert (await told(again))[-1] == "waiting for ask"
    assert len(history.inbox.open()) == 1
    assert (await goes_on(history, first.id, True))[-1] == "finished {'out': '?: yes by ada'}"


def test_what_does_not_wait_is_not_stopped(history: History) -> None:
    ends = flow({"a": "test.text", "o": OUT}, ["a.text > o.value"])
    done = run(ends, record=True, history=history, environment=env_of())
    with pytest.raises(FlowError, match="has finished; there is nothing to stop"):
        stop(done.run, history=history)
    with pytest.raises(FlowError, match="no run"):
        stop("nobody", history=history)


def test_one_that_is_answered_meanwhile_is_at_work(history: History) -> None:
    waits = run(ASKS, record=True, history=history, environment=env_of())
    assert give(history, find(history, waits.run), True)
    assert stopping.stop(history, waits.run, wait_s=0.1) is False, "its process has not begun"
    gone = gone_on_with(history, waits.run, env_of())
    assert asyncio.run(told(gone))[-1].startswith("finished"), "a wish of an earlier life"


async def test_one_at_work_hears_of_it(history: History) -> None:
    """From another connection, as another process would; the run makes no commits meanwhile."""
    slow = flow(
        {"a": "test.text", "s": ("test.random", {"wait_s": 600}), "o": OUT},
        ["a.text > s.text", "s.text > o.value"],
    )
    first = recorded_run(history, slow)
    work = asyncio.create_task(told(first))
    while not any(e["type"] == "node_started" for e in history.events(first.id)[2:]):
        await asyncio.sleep(0.02)
    other = another(history)
    assert await asyncio.to_thread(stopping.stop, other, first.id)
    assert (await work)[-1] == "cancelled"
    assert other.get(first.id).status == "cancelled"
    with pytest.raises(FlowError, match="nothing to stop"):
        stopping.stop(other, first.id)
    assert not change(history, "select * from runs where status = 'running'")


def test_its_thread_is_free_again(history: History) -> None:
    talk = functools.partial(run, thread="ada", history=history, environment=env_of())
    waits = talk(TALK_ASKS, said="Hi")
    assert waits.status == "waiting"
    waits.stop()
    assert talk(TALK, said="Hello").outputs == {"out": "user: Hello"}
    assert len(Threads(history).turns("ada")) == 1


# --- while it falls asleep ----------------------------------------------------------------------


class Sleeps:
    """A desk beside whose sleep something else happens: just before it, or just after it."""

    def __init__(
        self, run: Run, *, before: Callable[[], object], after: Callable[[], object]
    ) -> None:
        self._sleep, self._before, self._after = run._env.desk.sleep, before, after
        run._env.desk.sleep = self

    def __call__(self, event: RunWaiting) -> bool:
        self._before()
        slept = self._sleep(event)
        self._after()
        return slept


def nothing() -> None:
    """Nothing happens."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("document", [ASKS, TWO])
async def test_a_stop_that_meets_it_falling_asleep_stops_it(
    history: History, document: Any, when: str
) -> None:
    asks = recorded_run(history, document)
    Sleeps(asks, **{"before": nothing, "after": nothing, when: asks.cancel})
    assert (await told(asks))[-1] == "cancelled"
    assert history.get(asks.id).status == "cancelled"
    assert [event["type"] for event in history.events(asks.id)].count("run_cancelled") == 1
    assert history.inbox.open() == []
    again = resumed_run(history, history.get(asks.id), env_of())
    assert (await told(again))[-1].startswith("waiting for")


async def test_it_falls_asleep_at_the_desk_that_it_was_given_last(history: History) -> None:
    asks, slept = recorded_run(history, ASKS), list[RunWaiting]()

    class Noting:
        """The same desk, by way of somebody who notes who falls asleep."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        def sleep(self, event: RunWaiting) -> bool:
            slept.append(event)
            return bool(self._inner.sleep(event))

    desk: Any = Noting(asks.environment.desk)
    asks.environment = replace(asks.environment, desk=desk)
    assert (await told(asks))[-1].startswith("waiting for")
    assert [event.run for event in slept] == [asks.id]


async def test_a_stop_that_comes_when_it_has_just_said_that_it_waits_stops_it(
    history: History,
) -> None:
    asks = recorded_run(history, ASKS)
    asks.add_sink(lambda event: asks.cancel() if isinstance(event, RunWaiting) else None)
    assert (await told(asks))[-1] == "waiting for ask"
    assert history.get(asks.id).status == "cancelled"
    assert history.inbox.open() == []


async def test_who_has_gone_on_with_it_is_not_stopped_by_the_one_that_fell_asleep(
    history: History,
) -> None:
    asks = recorded_run(history, ASKS)

    def meanwhile() -> None:
        assert give(history, find(history, asks.id), True, author="ada")
        asks.cancel()

    Sleeps(asks, before=nothing, after=meanwhile)
    assert (await told(asks))[-1] == "waiting for ask"
    assert history.get(asks.id).status == "running"
    again = gone_on_with(history, asks.id, env_of())
    assert (await told(again))[-1] == "finished {'out': '?: yes by ada'}"


def test_a_turn_that_falls_asleep_leaves_its_thread_when_it_is_stopped(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeps = Rest.sleeps

    async def and_is_stopped(rest: Rest, event: RunWaiting) -> bool:
        slept = await sleeps(rest, event)
        rest.ask_stop()
        return slept

    talk = functools.partial(run, thread="ada", history=history, environment=env_of())
    monkeypatch.setattr(Rest, "sleeps", and_is_stopped)
    with pytest.raises(RunError, match="was stopped"):
        talk(TALK_ASKS, said="Hi")
    monkeypatch.undo()
    assert talk(TALK, said="Hello").outputs == {"out": "user: Hello"}
    assert len(Threads(history).turns("ada")) == 1
