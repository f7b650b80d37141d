"""Questions in a run: where it ends, what is not run again, what an answer does."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.answers import give, gone_on_with
from patchbay.flows.runs.events import NodeAsked, RunFinished
from patchbay.flows.runs.history import History
from patchbay.flows.runs.inbox import AlreadyAnsweredError
from patchbay.flows.runs.resume import resumed_run
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.nodes.errors import Suspended, suspended
from patchbay.nodes.figures import Table
from patchbay.nodes.values import Document
from tests.flows.runs.harness import OUT, environment, flow, words
from tests.flows.runs.people import (
    answered,
    env_of,
    events_until_end,
    goes_on,
    recorded_run,
    told,
)
from tests.flows.runs.test_history_disk import no_room
from tests.stores import a_file, another, change, url_of


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(url_of(tmp_path / "history.sqlite"))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def asking(log: Path, **params: Any) -> Flow:
    """A slow step, then a question, then its answer; beside them a branch that asks nobody."""
    return flow(
        {
            "a": "test.text",
            "slow": ("test.random", {"log": str(log)}),
            "ask": ("test.ask", {"log": str(log), **params}),
            "o": OUT,
            "b": ("io.output", {"name": "beside"}),
        },
        ["a.text > slow.text", "slow.text > ask.text", "ask.text > o.value", "a.text > b.value"],
    )  # fmt: skip


async def test_a_run_that_asks_waits_and_the_rest_goes_on(history: History, log: Path) -> None:
    run = recorded_run(history, asking(log))
    found = await told(run)
    assert found[-1] == "waiting for ask"
    assert "ask ask" in found
    assert "run b" in found, "the other branch came to its end"
    past = history.get(run.id)
    assert past.status == "waiting"
    (asked,) = history.inbox.open()
    assert (asked.run, asked.id, asked.title) == (run.id, "ask", "May HI pass?")
    assert history.events(run.id)[-1]["type"] == "run_waiting"


async def test_an_answer_wakes_it_and_nothing_runs_twice(history: History, log: Path) -> None:
    run = recorded_run(history, asking(log))
    await told(run)
    found = await goes_on(history, run.id, True)
    assert found[-1] == "finished {'out': 'HI: yes by ada', 'beside': 'hi'}"
    assert "resumed slow" in found
    assert log.read_text().split("\n") == ["hi", "come HI 0", "come HI 0", ""]
    assert history.get(run.id).status == "finished"
    assert history.inbox.open() == []
    kinds = [event["type"] for event in history.events(run.id)]
    assert kinds.count("node_asked") == kinds.count("node_answered") == 1


async def test_questions_count_within_a_node(history: History, log: Path) -> None:
    run = recorded_run(history, asking(log, times=3))
    assert (await told(run))[-1] == "waiting for ask"
    assert (await goes_on(history, run.id, True))[-1] == "waiting for ask#2"
    assert (await goes_on(history, run.id, False))[-1] == "waiting for ask#3"
    found = await goes_on(history, run.id, True, author="bob")
    assert found[-1].startswith("finished {'out': 'HI: yes by ada, no by ada, yes by bob'")


async def test_two_lanes_ask_at_once_and_are_answered_in_any_order(history: History) -> None:
    run = recorded_run(history, flow({"two": "test.ask_two", "o": OUT}, ["two.text > o.value"]))
    assert (await told(run))[-1] == "waiting for two@left, two@right"
    assert (await goes_on(history, run.id, "b", "two@right"))[-1] == "waiting for two@left"
    assert (await goes_on(history, run.id, "a"))[-1] == "finished {'out': 'ab'}"


# --- exactly one answer -------------------------------------------------------------------------


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
            "slow": ("test.random", {"wait_s": 1.5}),
            "a": "test.text",
            "o": OUT,
            "p": ("io.output", {"name": "p"}),
        },
        ["ask.text > o.value", "a.text > slow.text", "slow.text > p.value"],
    )
    run = recorded_run(history, document)
    other = another(history)
    found = []
    async for event in run.events():
        found.append(event)
        if isinstance(event, NodeAsked):
            assert answered(other, run.id, True) is None, "the run is at work here"
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


# --- deadlines ----------------------------------------------------------------------------------


async def test_a_deadline_that_passes_while_nobody_runs_takes_the_default(
    history: History, log: Path
) -> None:
    run = recorded_run(history, asking(log, within_s=60, default=False))
    await told(run)
    (asked,) = history.inbox.open()
    assert asked.until is not None
    assert history.inbox.take_due(asked.until - 1) == []
    (taken,) = history.inbox.take_due(asked.until + 3600)
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
    run = recorded_run(history, asking(log, within_s=0.01))
    await told(run)
    time.sleep(0.02)
    history.inbox.take_due(time.time())
    found = await told(resumed_run(history, history.get(run.id), env_of()))
    assert "fail ask [question/expired] Nobody answered in time: May HI pass?" in found


async def test_a_deadline_passes_while_the_run_works(history: History, log: Path) -> None:
    document = flow(
        {
            "ask": ("test.ask", {"within_s": 0.1, "default": True}),
            "slow": ("test.random", {"wait_s": 1.5}),
            "a": "test.text",
            "o": OUT,
            "p": ("io.output", {"name": "p"}),
        },
        ["ask.text > o.value", "a.text > slow.text", "slow.text > p.value"],
    )
    found = await told(recorded_run(history, document))
    assert found[-1] == "finished {'out': '?: yes by the deadline', 'p': 'HI'}"
    assert found.index("answer ask by the deadline") < found.index("run slow")


# --- what was asked is what counts --------------------------------------------------------------


async def test_an_answer_does_not_serve_for_another_question(
    history: History, tmp_path: Path
) -> None:
    """A file was changed meanwhile: what the person approved is not what would be sent now."""
    note = tmp_path / "note.txt"
    note.write_text("old")
    document = flow(
        {"file": "test.file_text", "ask": "test.ask", "o": OUT},
        ["file.text > ask.text", "ask.text > o.value"],
    )
    run = recorded_run(history, document, folder=tmp_path)
    await told(run)
    note.write_text("new")
    found = await goes_on(history, run.id, True)
    assert found[-1] == "waiting for ask~2"
    (asked,) = history.inbox.open()
    assert asked.title == "May new pass?"
    assert (await goes_on(history, run.id, False))[-1] == "finished {'out': 'new: no by ada'}"


async def test_a_flow_that_was_edited_meanwhile_goes_on_as_it_was_recorded(
    history: History, log: Path
) -> None:
    document = asking(log)
    run = recorded_run(history, document)
    await told(run)
    edited = document.model_copy(update={"nodes": document.nodes[:2], "edges": ()})
    assert edited != document
    assert (await goes_on(history, run.id, True))[-1].startswith("finished {'out': 'HI: yes")


# --- loops and flows inside flows ---------------------------------------------------------------


def save(folder: Path, name: str, document: Flow) -> None:
    (folder / f"{name}.json").write_text(canonical_text(document), encoding="utf-8")


def item_flow(log: Path) -> Flow:
    return flow(
        {
            "in": ("io.input", {"name": "item"}),
            "slow": ("test.random", {"log": str(log)}),
            "ask": "test.ask",
            "out": ("io.output", {"name": "result"}),
        },
        ["in.value > slow.text", "slow.text > ask.text", "ask.text > out.value"],
        name="item",
    )


async def test_every_item_of_a_loop_asks_and_what_is_done_stays_done(
    history: History, tmp_path: Path, log: Path
) -> None:
    save(tmp_path, "item", item_flow(log))
    document = flow(
        {
            "items": ("test.items", {"value": ["a", "b", "c"]}),
            "each": ("logic.for_each", {"flow": "item", "concurrency": 2}),
            "o": OUT,
        },
        ["items.json > each.items", "each.results > o.value"],
    )
    run = recorded_run(history, document, folder=tmp_path)
    assert (await told(run))[-1] == "waiting for each/0/ask, each/1/ask, each/2/ask"
    found = await goes_on(history, run.id, True, "each/2/ask")
    assert found[-1] == "waiting for each/0/ask, each/1/ask"
    await goes_on(history, run.id, False, "each/0/ask")
    found = await goes_on(history, run.id, True)
    assert found[-1] == "finished {'out': ['A: no by ada', 'B: yes by ada', 'C: yes by ada']}"
    assert sorted(log.read_text().split()) == ["a", "b", "c"], "each once"


async def test_a_flow_inside_a_flow_asks(history: History, tmp_path: Path, log: Path) -> None:
    save(tmp_path, "item", item_flow(log))
    use = {"flow": "item", "inputs": {"item": "text"}, "outputs": {"result": "text"}}
    document = flow(
        {"a": "test.text", "sub": ("logic.run_flow", use), "o": OUT},
        ["a.text > sub.item", "sub.result > o.value"],
    )
    run = recorded_run(history, document, folder=tmp_path)
    assert (await told(run))[-1] == "waiting for sub/ask"
    assert (await goes_on(history, run.id, True))[-1] == "finished {'out': 'HI: yes by ada'}"
    assert log.read_text().split() == ["hi"]


# --- where nobody can be asked ------------------------------------------------------------------


def test_a_run_that_nobody_records_is_refused_before_it_begins(log: Path) -> None:
    with pytest.raises(FlowError, match="nobody can be asked") as caught:
        Run(asking(log), {}, env_of())
    (problem,) = caught.value.problems
    assert (problem.code, problem.node) == ("question/nobody", "ask")
    assert "--record" in problem.fix
    assert not log.exists()


def test_a_question_inside_a_flow_is_found_before_it_begins(tmp_path: Path, log: Path) -> None:
    save(tmp_path, "item", item_flow(log))
    each = ("logic.for_each", {"flow": "item"})
    document = flow(
        {"items": ("test.items", {"value": ["a"]}), "each": each, "o": OUT},
        ["items.json > each.items", "each.results > o.value"],
    )
    with pytest.raises(FlowError) as caught:
        Run(LoadedFlow(document, tmp_path), {}, env_of())
    assert [problem.node for problem in caught.value.problems] == ["each/ask"]


# --- LangGraph's faults, which are not ours -----------------------------------------------------


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


async def test_what_stands_before_a_question_in_the_same_node_is_for_once(
    history: History, log: Path
) -> None:
    """Nodes before it have their results; code of the node itself belongs in `ctx.once`."""
    run = recorded_run(history, asking(log, times=2))
    await told(run)
    await goes_on(history, run.id, True)
    await goes_on(history, run.id, True)
    assert log.read_text().count("hi") == 1


# --- what goes wrong ----------------------------------------------------------------------------


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


@a_file
async def test_a_question_that_cannot_be_kept_fails_the_node(history: History, log: Path) -> None:
    with sqlite3.connect(str(history.inbox._store.path)) as db:
        db.execute(
            "create trigger full before insert on questions begin "
            "select raise(abort, 'database or disk is full'); end"
        )
    found = await told(recorded_run(history, asking(log)))
    assert any(word.startswith("fail ask") and "cannot be kept" in word for word in found)


def test_a_failure_beside_a_suspension_is_a_failure() -> None:
    one, two = Suspended(("a",)), Suspended(("b", "a"))
    both = BaseExceptionGroup("both", [one, BaseExceptionGroup("inner", [two])])
    found = suspended(both)
    assert found is not None
    assert found.questions == ("a", "b")
    assert suspended(BaseExceptionGroup("mixed", [one, ValueError("x")])) is None
    assert suspended(ValueError("x")) is None


# --- two processes, one run ---------------------------------------------------------------------


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
