"""Runs that are stopped: at once, while they wait, and where another process works on them."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.events import Event, RunWaiting
from patchbay.flows.runs.rest import Rest
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.studio.runs import answering
from patchbay.studio.runs.runner import Runner
from tests.stores import another
from tests.studio.test_runner import (
    PATIENCE_S,
    Slow,
    asking,
    chain,
    ended,
    made_runner,
    recorded,
    until,
)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return made_runner(tmp_path)


def test_stopping_ends_the_run_and_tells_so(runner: Runner) -> None:
    told: list[dict[str, Any]] = []
    runner.subscribe("doc", "ann", told.append)
    live = runner.start("doc", "ann", chain(Slow.kind), {"question": "Why?"})
    until(lambda: live.progress.nodes.get("middle") and live.progress.nodes["middle"].text)
    runner.stop(live.id)
    ended(live)
    assert live.progress.status == "cancelled"
    until(lambda: {"node": "middle", "status": "cancelled"} in told)
    until(lambda: told[-1].get("run", {}).get("status") == "cancelled")


def test_stopping_a_run_that_waits_closes_its_questions(runner: Runner) -> None:
    live = runner.start("doc", "ann", asking(), {})
    until(lambda: live.progress.status == "waiting")
    runner.stop(live.id)
    assert live.progress.status == "cancelled"
    assert (live.progress.questions, live.progress.nodes["pick"].status) == ({}, "cancelled")
    assert recorded(runner, live).status == "cancelled"
    runner.stop(live.id)  # a second press changes nothing
    with pytest.raises(FlowError, match="has been stopped"):
        answering.answer(runner, live.id, "pick", "a", "ann")


def test_a_run_that_is_stopped_as_soon_as_it_asks_does_not_fall_asleep(runner: Runner) -> None:
    for wait_s in (0.0, 0.0, 0.001, 0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02):
        live = runner.start("doc", "ann", asking(), {})
        until(lambda live=live: live.progress.questions)
        time.sleep(wait_s)
        runner.stop(live.id)
        until(lambda live=live: live.progress.status == "cancelled")
        until(lambda live=live: recorded(runner, live).status == "cancelled")
        assert not live.progress.questions


def test_what_is_stopped_just_after_it_fell_asleep_is_shown_as_stopped(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    runner.subscribe("doc", "ann", told.append)
    tell = Run._tell

    def and_stop(run: Run, event: Event, **more: Any) -> None:
        tell(run, event, **more)
        if isinstance(event, RunWaiting):
            runner.stop(run.id)

    monkeypatch.setattr(Run, "_tell", and_stop)
    live = runner.start("doc", "ann", asking(), {})
    until(lambda: live.progress.status == "cancelled")
    until(lambda: told[-1].get("run", {}).get("status") == "cancelled")
    assert recorded(runner, live).status == "cancelled"


def test_a_stop_that_is_recorded_only_after_the_run_said_that_it_waits_is_shown(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell, stopped = Run._tell, Rest._stopped

    def while_it_is_stopped(run: Run, event: Event, **more: Any) -> None:
        if isinstance(event, RunWaiting):
            threading.Thread(target=runner.stop, args=(run.id,)).start()
            until(lambda: run.cancel_asked)
        tell(run, event, **more)

    def late(rest: Rest) -> bool:
        until(lambda: (one := runner.get(rest._run)) and one.progress.status == "waiting")
        return stopped(rest)

    monkeypatch.setattr(Run, "_tell", while_it_is_stopped)
    monkeypatch.setattr(Rest, "_stopped", late)
    live = runner.start("doc", "ann", asking(), {})
    until(lambda: live.progress.status == "cancelled")
    assert not live.progress.questions
    assert recorded(runner, live).status == "cancelled"


def test_a_run_of_the_command_line_is_stopped_from_the_studio(runner: Runner) -> None:
    """It is no run of this process: the studio leaves word, and shows what became of it."""
    history = runner.history()
    slow = Run(LoadedFlow(chain(Slow.kind)), {"question": "Why?"}, runner.environment(None))
    slow.add_sink(another(history).recorder(slow.id, slow.flow))
    started = threading.Event()

    async def work() -> str:
        last = ""
        async for event in slow.events():
            started.set()
            last = event.type
        return last

    with ThreadPoolExecutor(1) as elsewhere:
        ends = elsewhere.submit(asyncio.run, work())
        assert started.wait(PATIENCE_S)
        runner.stop(slow.id)
        assert ends.result(PATIENCE_S) == "run_cancelled"
    assert history.get(slow.id).status == "cancelled"
