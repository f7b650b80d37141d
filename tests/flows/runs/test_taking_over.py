"""Several processes, one run that waits."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.answers import give, gone_on_with
from patchbay.flows.runs.history import History
from patchbay.flows.runs.resume import resumed_run
from patchbay.flows.runs.running import Run
from tests.flows.runs.harness import environment
from tests.flows.runs.people import asking, env_of, goes_on, recorded_run, told
from tests.stores import another


async def test_what_another_process_did_before_it_lost_the_run_counts(
    history: History, log: Path
) -> None:
    """The record is read when the run is claimed. Seen with real kills: a process had looked at a
    run, another one went on with it, asked and died, and the first asked the same once more."""
    run = recorded_run(history, asking(log, times=2))
    await told(run)
    as_seen = history.get(run.id)
    assert (await goes_on(another(history), run.id, True))[-1] == "waiting for ask#2"
    late = resumed_run(history, as_seen, env_of())
    assert (await told(late))[-1] == "waiting for ask#2"
    (asked,) = history.inbox.open()
    assert asked.id == "ask#2"


async def test_of_many_who_go_on_with_one_run_one_gets_it(history: History, log: Path) -> None:
    run = recorded_run(history, asking(log))
    await told(run)
    past = history.get(run.id)
    histories = [another(history) for _ in range(8)]

    def one(mine: History) -> Run | str:
        try:
            return resumed_run(mine, past, env_of())
        except FlowError as error:
            return error.problems[0].code

    found = await asyncio.gather(*(asyncio.to_thread(one, mine) for mine in histories))
    (kept,) = [run for run in found if isinstance(run, Run)]
    assert sorted(code for code in found if isinstance(code, str)) == ["history/running"] * 7
    assert (await told(kept))[-1] == "waiting for ask"


async def test_a_run_that_cannot_go_on_is_left_as_it_was(history: History, log: Path) -> None:
    """Its node is not installed here: another process may have it."""
    run = recorded_run(history, asking(log))
    await told(run)
    with pytest.raises(FlowError):
        resumed_run(history, history.get(run.id), environment())
    assert history.get(run.id).status == "waiting"
    with pytest.raises(FlowError):
        gone_on_with(history, run.id, environment()) if give(
            history, history.inbox.open()[0], True
        ) else None
    assert history.get(run.id).status == "waiting"
    assert history.inbox.answered_asleep() == [run.id]
    again = resumed_run(history, history.get(run.id), env_of())
    assert (await told(again))[-1].startswith("finished")
