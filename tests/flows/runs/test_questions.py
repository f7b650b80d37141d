"""Questions in a run: where it ends, what is not run again, what an answer is for."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.runs.engine import Execution
from patchbay.flows.runs.history import History
from patchbay.flows.runs.store import Store
from patchbay.nodes.errors import Suspended, suspended
from tests.flows.runs.harness import OUT, flow
from tests.flows.runs.people import answered, asking, goes_on, recorded_run, told
from tests.stores import a_file


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


async def test_what_stands_before_a_question_in_the_same_node_is_for_once(
    history: History, log: Path
) -> None:
    """Nodes before it have their results; code of the node itself belongs in `ctx.once`."""
    run = recorded_run(history, asking(log, times=2))
    await told(run)
    await goes_on(history, run.id, True)
    await goes_on(history, run.id, True)
    assert log.read_text().count("hi") == 1


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


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_an_answer_at_the_moment_when_the_last_task_has_ended_is_heard(
    history: History, log: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Seen in `make test-crash`: the run took what went on then for nodes that never end."""
    run = recorded_run(history, asking(log))
    ended, said = Execution._ended, []

    def answered_beside(self: Execution, task: Any) -> None:
        if moment == "after":
            ended(self, task)
        if self._parked and not self._tasks - {task} and not said:
            said.append(answered(history, run.id, True))
            desk = run._env.desk
            assert desk is not None
            assert desk.refresh()
            for wake in tuple(desk.listeners):
                wake()
        if moment == "before":
            ended(self, task)

    monkeypatch.setattr(Execution, "_ended", answered_beside)
    found = await told(run)
    assert said == [None], "the run is at work"
    assert found[-1].startswith("finished"), found


async def test_the_disk_is_never_waited_for_on_the_loop(
    history: History, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where a question is kept, nor where a run falls asleep, goes on or ends."""
    loop, asked = threading.get_ident(), Store.do
    where: dict[str, set[bool]] = {"asking": set(), "going on": set()}
    now = "asking"

    def do(store: Store, *args: Any, **kwargs: Any) -> Any:
        where[now].add(threading.get_ident() == loop)
        return asked(store, *args, **kwargs)

    run = recorded_run(history, asking(log))
    monkeypatch.setattr(Store, "do", do)
    assert (await told(run))[-1] == "waiting for ask"
    monkeypatch.undo()
    again = answered(history, run.id, True)
    assert again is not None
    monkeypatch.setattr(Store, "do", do)
    now = "going on"
    assert (await told(again))[-1].startswith("finished")
    assert where == {"asking": {False}, "going on": {False}}
