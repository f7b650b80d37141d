"""The saved flows that ask people, on the real model: they wait, are answered, and end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from patchbay.flows import load
from patchbay.flows.runs.answers import find, give, gone_on_with, recorded
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.events import Event, RunFinished, RunWaiting
from patchbay.flows.runs.history import History
from patchbay.flows.runs.running import Run, new_run_id
from tests.flows.test_saved_flows import SAVED
from tests.flows.thread_counts import one_or_four_threads, with_threads


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(f"sqlite:///{tmp_path / 'history.sqlite'}")


async def begun(history: History, name: str, threads: int = 1) -> tuple[str, Event]:
    loaded = load(SAVED / f"{name}.json")
    loaded = replace(loaded, flow=with_threads(loaded.flow, threads))
    run_id = new_run_id()
    env = default_environment(use_cache=False, folder=SAVED)
    env = recorded(env, history, run_id, loaded.flow, SAVED)
    return run_id, await last(Run(loaded, {}, env, run_id=run_id))


async def last(run: Run) -> Event:
    return [event async for event in run.events()][-1]


async def answer(history: History, run: str, value: object, question: str | None = None) -> Event:
    env = default_environment(use_cache=False, folder=SAVED)
    assert give(history, find(history, run, question), value, author="ada", comment="fine")
    return await last(gone_on_with(history, run, env))


@one_or_four_threads
async def test_a_mail_is_corrected_and_approved(history: History, threads: int) -> None:
    run, end = await begun(history, "approve_mail", threads)
    assert isinstance(end, RunWaiting)
    (asked,) = history.inbox.open()
    assert asked.asks["value"].strip(), "the model wrote something"
    end = await answer(history, run, "Dear Ada, Friday at ten.")
    assert isinstance(end, RunWaiting)
    assert history.inbox.open()[0].asks["value"] == "Dear Ada, Friday at ten."
    end = await answer(history, run, True)
    assert isinstance(end, RunFinished)
    assert end.outputs == {"sent": "Dear Ada, Friday at ten.", "comment": "fine"}
    assert end.tokens.total == 0, "the model was asked once, before the first question"


@one_or_four_threads
async def test_a_message_is_sorted_by_two_people(history: History, threads: int) -> None:
    run, end = await begun(history, "triage", threads)
    assert isinstance(end, RunWaiting)
    asked = {question.id: question for question in history.inbox.open()}
    assert asked.keys() == {"form", "team"}
    assert asked["form"].asks["value"]["topic"] in ("invoice", "delivery", "other")
    filled = {"topic": "invoice", "urgent": True, "note": None}
    await answer(history, run, filled, "form")
    end = await answer(history, run, "billing")
    assert isinstance(end, RunFinished)
    assert end.outputs == {"ticket": filled, "team": "billing"}


@one_or_four_threads
async def test_a_call_of_a_tool_is_reviewed(history: History, threads: int) -> None:
    run, end = await begun(history, "review_tool_calls", threads)
    assert isinstance(end, RunWaiting)
    (asked,) = history.inbox.open()
    assert asked.asks["wants"]["tool"] == "calculator"
    end = await answer(history, run, {"decision": "edit", "arguments": {"expression": "2 + 2"}})
    for _ in range(3):  # told that its call was changed, so small a model may make another
        if isinstance(end, RunWaiting):
            end = await answer(history, run, {"decision": "approve"})
    assert isinstance(end, RunFinished)
    assert "4" in end.outputs["answer"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:crewai")
async def test_what_a_crew_wrote_is_done_again_until_it_is_accepted(history: History) -> None:
    run, end = await begun(history, "review_crew")
    assert isinstance(end, RunWaiting)
    (asked,) = history.inbox.open()
    assert asked.asks["value"].strip(), "the model wrote something"
    assert isinstance(await answer(history, run, False), RunWaiting)
    (asked,) = history.inbox.open()
    end = await answer(history, run, True)
    assert isinstance(end, RunFinished)
    assert end.outputs == {"slogan": asked.asks["value"]}
