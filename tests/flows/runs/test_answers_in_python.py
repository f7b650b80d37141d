"""Recorded runs in Python that wait for people: `record=True`, `result.answer(…)`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.flows import FlowError, History, RunError, aanswer, answer, arun, run
from patchbay.flows.runs.inbox import AlreadyAnsweredError
from tests.flows.runs.harness import OUT, flow
from tests.flows.runs.people import env_of
from tests.stores import another, url_of

ASKS = flow({"ask": ("test.ask", {"times": 2}), "o": OUT}, ["ask.text > o.value"])
TWO = flow({"two": "test.ask_two", "o": OUT}, ["two.text > o.value"])
FORM = flow(
    {
        "form": (
            "people.form",
            {
                "question": "Who?",
                "fields": [
                    {"name": "name", "type": "text"},
                    {"name": "note", "type": "text", "required": False},
                ],
            },
        ),
        "o": OUT,
    },
    ["form.json > o.value"],
)


@pytest.fixture
def more(tmp_path: Path) -> dict[str, Any]:
    history = History(url_of(tmp_path / "history.sqlite"))
    return {"record": True, "history": history, "environment": env_of()}


def test_a_waiting_run_is_answered_to_its_end(more: dict[str, Any]) -> None:
    first = run(ASKS, **more)
    assert (first.status, first.outputs) == ("waiting", {})
    assert [asked.title for asked in first.questions] == ["May ? pass?"]
    second = first.answer(approve=True, who="ada")
    assert (second.status, second.run) == ("waiting", first.run)
    end = second.answer(reject="too long", who="bob")
    assert (end.status, end.questions) == ("finished", ())
    assert end.outputs == {"out": "?: yes by ada, no by bob"}
    answers = more["history"].inbox.answers_of(first.run)
    assert [given["comment"] for given in answers.values()] == ["", "too long"]
    with pytest.raises(FlowError, match="has finished"):
        end.answer(approve=True)
    with pytest.raises(AlreadyAnsweredError, match="by ada"):
        first.answer(first.questions[0].id, approve=False)


async def test_the_same_where_a_loop_runs(more: dict[str, Any]) -> None:
    """In a notebook the blocking calls work as well as those that are awaited."""
    first = await arun(ASKS, **more)
    end = (await first.aanswer(approve=False, who="ada")).answer(approve=True, who="bob")
    assert end.outputs == {"out": "?: no by ada, yes by bob"}


def test_several_questions_are_told_apart(more: dict[str, Any]) -> None:
    waiting = run(TWO, **more)
    assert {asked.id for asked in waiting.questions} == {"two@left", "two@right"}
    with pytest.raises(FlowError, match="asks 2 questions"):
        waiting.answer(choose="a")
    assert waiting.answer("two@right", choose="b").answer(choose="a").outputs == {"out": "ab"}


def test_a_form_fills_what_may_be_left_out(more: dict[str, Any]) -> None:
    waiting = run(FORM, **more)
    assert waiting.answer(form={"name": "Ada"}).outputs == {"out": {"name": "Ada", "note": None}}


async def test_by_its_id_alone_in_a_later_program(more: dict[str, Any]) -> None:
    waiting = await arun(TWO, **more)
    later = {"history": another(more["history"]), "environment": env_of()}
    waiting = await aanswer(waiting.run, "two@left", choose="a", **later)
    assert answer(waiting.run, choose="a", **later).outputs == {"out": "aa"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "There is no answer"),
        ({"approve": True, "reject": "no"}, "approve= and reject= are different answers"),
        ({"aprove": True}, "An answer has no 'aprove'"),
        ({"choose": "a"}, "choose= is for a choice"),
        ({"respond": "4"}, "respond= is for the call of a tool"),
        ({"form": {"a": 1}}, "form= is for a form"),
        ({"value": 7}, "yes or no"),
    ],
)
def test_what_is_no_answer_leaves_the_question_open(
    more: dict[str, Any], given: Any, words: str
) -> None:
    waiting = run(ASKS, **more)
    with pytest.raises(FlowError, match=words):
        waiting.answer(**given)
    assert len(more["history"].inbox.open(waiting.run)) == 1


@pytest.mark.parametrize("given", [{"choose": "B"}, {"approve": True}, {"reject": "why"},
                                   {"form": {}}, {"respond": "x"}])  # fmt: skip
@pytest.mark.parametrize("kind", ["text", "json"])
def test_what_is_meant_for_another_question_is_no_edit(
    more: dict[str, Any], given: Any, kind: str
) -> None:
    nodes = {
        "t": ("io.input", {"name": "t", "kind": kind}),
        "ask": ("people.edit", {"of": kind}),
        "o": OUT,
    }
    asks = flow(nodes, ["t.value > ask.value", "ask.value > o.value"])
    waiting = run(asks, {"t": "A" if kind == "text" else {"a": 1}}, **more)
    with pytest.raises(FlowError, match="= is for "):
        waiting.answer(**given)
    assert waiting.answer(value="B").outputs == {"out": "B"}


def test_what_cannot_wait_is_refused_before_it_begins() -> None:
    with pytest.raises(FlowError, match="nobody can be asked"):
        run(ASKS, environment=env_of())
    with pytest.raises(FlowError, match='"record" of a run is True or False, not str'):
        run(ASKS, record="yes", environment=env_of())  # type: ignore[arg-type]


def test_an_input_called_record_is_given_in_the_mapping(more: dict[str, Any]) -> None:
    asked = flow({"q": ("io.input", {"name": "record"}), "o": OUT}, ["q.value > o.value"])
    assert run(asked, {"record": "a song"}, **more).outputs == {"out": "a song"}
    with pytest.raises(FlowError, match="argument of that name"):
        run(asked, **more)


def test_a_run_that_fails_after_its_answer_says_so(more: dict[str, Any]) -> None:
    fails = flow(
        {"ask": "test.ask", "f": "test.fail", "o": OUT}, ["ask.text > f.text", "f.text > o.value"]
    )
    with pytest.raises(RunError):
        run(fails, **more).answer(approve=True)


def test_what_asks_nobody_is_kept_as_well(more: dict[str, Any]) -> None:
    end = run(flow({"a": "test.text", "o": OUT}, ["a.text > o.value"]), **more)
    assert (end.status, end.outputs) == ("finished", {"out": "hi"})
    assert more["history"].get(end.run).status == "finished"
