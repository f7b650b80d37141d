"""Questions that wait only so long."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.runs.events import NodeAnswered
from patchbay.flows.runs.history import History
from patchbay.flows.runs.inbox import AlreadyAnsweredError
from patchbay.flows.runs.resume import resumed_run
from tests.flows.runs.harness import OUT, flow, words
from tests.flows.runs.nodes import Gate
from tests.flows.runs.people import answered, asking, env_of, recorded_run, told


async def test_a_deadline_that_passes_while_nobody_runs_takes_the_default(
    history: History, log: Path
) -> None:
    run = recorded_run(history, asking(log, within_s=60, default=False))
    await told(run)
    (asked,) = history.inbox.open()
    assert asked.until is not None
    assert history.inbox.due(asked.until - 1) == history.inbox.take_due(asked.until - 1) == []
    assert history.inbox.due(asked.until) == [run.id]
    (taken,) = history.inbox.take_due(asked.until + 3600)
    assert history.inbox.due(asked.until + 3600) == []
    assert taken.id == "ask"
    assert history.inbox.answered_asleep() == [run.id]
    answer = history.inbox.answers_of(run.id)["ask"]
    assert (answer["author"], answer["at"], answer["value"]) == ("the deadline", asked.until, False)
    with pytest.raises(AlreadyAnsweredError, match="by the deadline"):
        answered(history, run.id, True, "ask")
    again = resumed_run(history, history.get(run.id), env_of())
    assert (await told(again))[-1].startswith("finished {'out': 'HI: no by the deadline'")
    assert history.inbox.answered_asleep() == []


async def test_a_deadline_without_a_default_fails_the_node(history: History, log: Path) -> None:
    run = recorded_run(history, asking(log, within_s=60))
    await told(run)
    (asked,) = history.inbox.open()
    assert asked.until is not None
    history.inbox.take_due(asked.until + 1)
    found = await told(resumed_run(history, history.get(run.id), env_of()))
    assert "fail ask [question/expired] Nobody answered in time: May HI pass?" in found


async def test_a_deadline_passes_while_the_run_works(history: History, log: Path) -> None:
    document = flow(
        {
            "ask": ("test.ask", {"within_s": 0.1, "default": True}),
            "slow": "test.gate",
            "a": "test.text",
            "o": OUT,
            "p": ("io.output", {"name": "p"}),
        },
        ["ask.text > o.value", "a.text > slow.text", "slow.text > p.value"],
    )
    Gate.shut()
    found = []
    async for event in recorded_run(history, document).events():
        found += words([event])
        if isinstance(event, NodeAnswered):
            Gate.opened.set()
    assert found[-1] == "finished {'out': '?: yes by the deadline', 'p': 'HI'}"
    assert found.index("answer ask by the deadline") < found.index("run slow")
