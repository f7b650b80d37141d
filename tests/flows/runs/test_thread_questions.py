"""A turn of a conversation that asks a person, in Python: its thread waits with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows import History, InThread, RunResult, Threads, run
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.stopping import stop
from tests.flows.runs.harness import environment, flow

ASKS = flow(
    {
        "q": ("io.input", {"name": "said"}),
        "may": ("people.approve", {"question": "May this be said?"}),
        "yes": ("io.output", {"name": "said"}),
        "no": ("io.output", {"name": "kept"}),
    },
    ["q.value > may.value", "may.approved > yes.value", "may.rejected > no.value"],
)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(f"sqlite:///{tmp_path / 'history.sqlite'}")


def said(history: History, text: str = "", **use: object) -> RunResult:
    where = InThread("ada", when_busy="refuse", **use)  # type: ignore[arg-type]
    given = {} if use.get("again") else {"said": text}
    return run(ASKS, given, thread=where, history=history, environment=environment())


def turns(history: History, thread: str = "ada") -> list[tuple[str, str]]:
    return [(turn.asked, turn.answer) for turn in Threads(history).turns(thread)]


@pytest.mark.parametrize("answer", [{"approve": True}, {"reject": "no"}])
def test_the_turn_is_there_when_the_question_is_answered(
    history: History, answer: dict[str, object]
) -> None:
    waits = said(history, "hello")
    assert (waits.status, turns(history)) == ("waiting", [])
    end = waits.answer(who="ada", **answer)  # type: ignore[arg-type]
    assert (end.status, turns(history)) == ("finished", [("hello", "hello")])


def test_while_it_waits_nothing_else_is_said_in_the_thread_but_a_branch_goes_on(
    history: History,
) -> None:
    said(history, "one").answer(approve=True)
    waits = said(history, "two")
    for use in ({}, {"again": True}):
        with pytest.raises(FlowError, match="only one at a time") as error:
            said(history, "three", **use)
        assert f"patchbay answer {waits.run}" in error.value.problems[0].fix
    branch = Threads(history).branch("ada", 1).id
    where = InThread(branch, when_busy="refuse")
    given = {"said": "other"}
    other = run(ASKS, given, thread=where, history=history, environment=environment())
    assert other.answer(approve=True).status == "finished"
    assert waits.answer(approve=True).status == "finished"
    assert turns(history) == [("one", "one"), ("two", "two")]
    assert turns(history, branch) == [("one", "one"), ("other", "other")]


def test_an_answer_made_anew_asks_anew_and_takes_the_place_of_the_old_one(
    history: History,
) -> None:
    said(history, "one").answer(approve=True)
    again = said(history, again=True)
    assert (again.status, turns(history)) == ("waiting", [("one", "one")]), "the old one stays"
    again.answer(reject="no")
    assert turns(history) == [("one", "one")]
    (turn,) = Threads(history).turns("ada")
    assert turn.run == again.run


def test_a_stopped_turn_frees_its_thread(history: History) -> None:
    waits = said(history, "one")
    stop(history, waits.run)
    assert said(history, "two").answer(approve=True).status == "finished"
    assert turns(history) == [("two", "two")]
    with pytest.raises(FlowError):
        waits.answer(approve=True)
