"""Answers to a run: each question takes one, whoever gives it and whenever."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.events import NodeAnswered, NodeAsked, RunFinished
from patchbay.flows.runs.history import History
from patchbay.flows.runs.inbox import AlreadyAnsweredError
from patchbay.nodes.figures import Table
from patchbay.nodes.values import Document
from tests.flows.runs.harness import OUT, flow, words
from tests.flows.runs.nodes import Gate
from tests.flows.runs.people import answered, asking, events_until_end, goes_on, recorded_run, told
from tests.flows.runs.test_history_disk import no_room
from tests.stores import a_file, another, change


async def test_a_second_answer_is_refused_and_says_who(history: History, log: Path) -> None:
    run = recorded_run(history, asking(log))
    await told(run)
    await goes_on(history, run.id, True, comment="looks right")
    with pytest.raises(AlreadyAnsweredError, match=r"by ada on .*20\d\d.*approved"):
        answered(history, run.id, False, "ask")
    with pytest.raises(AlreadyAnsweredError, match="looks right"):
        answered(history, run.id, False)


async def test_of_twenty_who_answer_at_once_one_is_heard(history: History, log: Path) -> None:
    """Each through a connection of its own, as other processes would."""
    run = recorded_run(history, asking(log))
    await told(run)
    histories = [another(history) for _ in range(20)]

    def one(number: int) -> str:
        try:
            again = answered(histories[number], run.id, True, "ask", author=f"p{number}")
        except AlreadyAnsweredError as error:
            return f"refused: {error.author}"
        return f"mine: p{number}" if again is not None else "taken"

    said = await asyncio.gather(*(asyncio.to_thread(one, number) for number in range(20)))
    (winner,) = [word.removeprefix("mine: ") for word in said if word.startswith("mine: ")]
    assert sorted(said) == sorted([f"mine: {winner}"] + [f"refused: {winner}"] * 19)
    rows = change(history, "select author from answers")
    assert rows == [(winner,)]


async def test_an_answer_while_the_run_works_goes_to_the_run(history: History, log: Path) -> None:
    """From another connection: the run looks now and then, and nobody else takes it over."""
    document = flow(
        {
            "ask": ("test.ask", {"log": str(log)}),
            "slow": "test.gate",
            "a": "test.text",
            "o": OUT,
            "p": ("io.output", {"name": "p"}),
        },
        ["ask.text > o.value", "a.text > slow.text", "slow.text > p.value"],
    )
    run = recorded_run(history, document)
    other = another(history)
    found = []
    Gate.shut()
    async for event in run.events():
        found.append(event)
        if isinstance(event, NodeAsked):
            assert answered(other, run.id, True) is None, "the run is at work here"
        if isinstance(event, NodeAnswered):
            Gate.opened.set()
    said = words(found)
    assert said[-1] == "finished {'out': '?: yes by ada', 'p': 'HI'}"
    assert said.index("answer ask by ada") < said.index("run slow")


async def test_an_answer_between_the_last_look_and_sleep_is_not_lost(
    history: History, log: Path
) -> None:
    run = recorded_run(history, asking(log))
    desk = run._env.desk
    assert desk is not None
    sleep = desk.sleep

    def late(event: Any) -> bool:
        if not history.inbox.answers_of(run.id):
            assert answered(history, run.id, True) is None
        return sleep(event)

    desk.sleep = late  # type: ignore[method-assign]
    assert (await told(run))[-1] == "finished {'out': 'HI: yes by ada', 'beside': 'hi'}"


async def test_an_answer_to_a_run_that_was_killed_takes_it_over(
    history: History, log: Path
) -> None:
    run = recorded_run(history, asking(log))
    await told(run)
    gone = f"{socket.gethostname()}/1/1.00"
    change(history, "update runs set status = 'running', process = ?", gone)
    assert history.get(run.id).status == "interrupted"
    assert (await goes_on(history, run.id, True))[-1].startswith("finished")


@pytest.mark.parametrize("value", [None, 0, False, "", [], {}])
async def test_nothing_is_an_answer_too(history: History, value: Any) -> None:
    """LangGraph 1.2.24 raises on a resume with None."""
    run = recorded_run(history, flow({"a": "test.ask_for", "o": OUT}, ["a.value > o.value"]))
    await told(run)
    assert (await goes_on(history, run.id, value))[-1] == f"finished {{'out': {value!r}}}"


async def test_an_answer_that_looks_like_an_id_is_an_answer(history: History) -> None:
    """LangGraph takes a mapping whose keys are digests for answers by interrupt id."""
    run = recorded_run(history, flow({"a": "test.ask_for", "o": OUT}, ["a.value > o.value"]))
    await told(run)
    value = {"d41d8cd98f00b204e9800998ecf8427e": "x"}
    assert (await goes_on(history, run.id, value))[-1] == f"finished {{'out': {value!r}}}"


@pytest.mark.parametrize(
    "value",
    [
        Table(columns=("a", "b"), rows=((1, "x"), (2, None)), title="T"),
        [Document(text="t", metadata={"n": [1, 2]}, score=0.5)],
    ],
)
async def test_values_are_the_same_after_a_pause(history: History, value: Any) -> None:
    """LangGraph's checkpoints turn tuples into lists. Here a value is what it was, type and all."""
    run = recorded_run(
        history,
        flow({"a": ("test.ask_for", {"of": "json"}), "o": OUT}, ["a.value > o.value"]),
    )
    await told(run)
    again = answered(history, run.id, value)
    assert again is not None
    last = (await events_until_end(again))[-1]
    seen = [last.outputs["out"]] if isinstance(last, RunFinished) else []
    assert seen == [value]
    assert type(seen[0]) is type(value)


async def test_wrong_answers_lose_nothing(history: History, log: Path) -> None:
    run = recorded_run(history, asking(log))
    await told(run)
    for value in ("yes", 1, None, {"approved": True}):
        with pytest.raises(FlowError, match="answered with yes or no") as caught:
            answered(history, run.id, value)
        assert caught.value.problems[0].code == "question/wrong-answer"
    with pytest.raises(FlowError, match='asked no question "nope"') as caught:
        answered(history, run.id, True, "nope")
    assert 'ask ("May HI pass?")' in caught.value.problems[0].fix
    with pytest.raises(FlowError, match="There is no run"):
        answered(history, "20200101-000000-abcdef", True)
    assert (await goes_on(history, run.id, True))[-1].startswith("finished")


async def test_a_run_that_was_stopped_takes_no_answer(history: History, log: Path) -> None:
    document = asking(log).model_copy()
    run = recorded_run(history, document)
    async for event in run.events():
        if event.type == "node_asked":
            run.cancel()
    assert history.get(run.id).status == "cancelled"
    with pytest.raises(FlowError, match="has been stopped") as caught:
        answered(history, run.id, True)
    assert "--resume" in caught.value.problems[0].fix
    assert history.inbox.open() == []


@a_file
async def test_a_full_disk_while_an_answer_is_stored_loses_nothing(
    history: History, log: Path
) -> None:
    run = recorded_run(history, asking(log))
    await told(run)
    with no_room(), pytest.raises(FlowError, match="cannot be used") as caught:
        answered(history, run.id, True)
    assert "disk" in caught.value.problems[0].message
    assert history.get(run.id).status == "waiting"
    assert len(history.inbox.open()) == 1
    assert (await goes_on(history, run.id, True))[-1].startswith("finished")
