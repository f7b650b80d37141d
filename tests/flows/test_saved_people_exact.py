"""The saved flows that ask people, exactly: with a model that says what is written down for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows import FlowError, History, LoadedFlow, RunResult, run
from patchbay.flows.document.reading import read_text
from tests.flows.test_saved_flows import SAVED
from tests.nodes.agents.conftest import environment
from tests.nodes.agents.scripted import ASKED, HELD, call
from tests.nodes.agents.scripted import answer as said


def begun(tmp_path: Path, name: str, *lines: str, **inputs: Any) -> RunResult:
    """A saved flow whose model is replaced by a script; all else is as it is saved."""
    data = json.loads((SAVED / f"{name}.json").read_text(encoding="utf-8"))
    for node in data["nodes"]:
        if node["id"] == "model":
            node |= {"kind": "test.scripted", "params": {"name": name, "lines": list(lines)}}
    loaded = LoadedFlow(read_text(json.dumps(data)), SAVED)
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    return run(loaded, inputs, record=True, history=history, environment=environment())


def value_of(result: RunResult) -> Any:
    (asked,) = result.questions
    return asked.asks["value"]


@pytest.mark.parametrize(
    ("answer", "outputs"),
    [
        ({"approve": True}, {"sent": "Dear Ada, at ten.", "comment": ""}),
        ({"approve": True, "comment": "Good."}, {"sent": "Dear Ada, at ten.", "comment": "Good."}),
        ({"reject": "Too late."}, {"kept": "Dear Ada, at ten.", "comment": "Too late."}),
    ],
)
def test_a_mail_goes_out_only_with_a_yes(
    tmp_path: Path, answer: dict[str, Any], outputs: dict[str, Any]
) -> None:
    first = begun(tmp_path, "approve_mail", "Dear Ada, at eleven.", request="Tell Ada: ten.")
    assert (first.status, value_of(first)) == ("waiting", "Dear Ada, at eleven.")
    assert ASKED["approve_mail"] == [[("human", "Write a short, polite mail.\nTell Ada: ten.")]]
    second = first.answer(value="Dear Ada, at ten.", who="ada")
    assert (second.status, value_of(second)) == ("waiting", "Dear Ada, at ten.")
    end = second.answer(who="the editor", **answer)
    assert (end.status, end.outputs) == ("finished", outputs)
    assert len(ASKED["approve_mail"]) == 1, "the model is asked once, however long it waits"


@pytest.mark.parametrize("first", ["form", "team"])
def test_two_people_sort_a_message_in_any_order(tmp_path: Path, first: str) -> None:
    waits = begun(tmp_path, "triage", '{"topic": "delivery"}', mail="Where is my parcel?")
    asked = {question.id: question for question in waits.questions}
    assert asked.keys() == {"form", "team"}
    assert asked["form"].asks["value"] == {"topic": "delivery"}
    assert asked["team"].asks["value"] == "Where is my parcel?"
    assert HELD["triage"][0]["properties"]["topic"]["enum"] == ["invoice", "delivery", "other"]
    answers: dict[str, Any] = {
        "form": {"form": {"topic": "delivery", "urgent": True}},
        "team": {"choose": "logistics"},
    }
    second = next(name for name in answers if name != first)
    one = waits.answer(first, **answers[first])
    assert (one.status, [question.id for question in one.questions]) == ("waiting", [second])
    end = one.answer(**answers[second])
    ticket = {"topic": "delivery", "urgent": True, "note": None}
    assert end.outputs == {"ticket": ticket, "team": "logistics"}
    assert len(ASKED["triage"]) == 1


def test_a_topic_that_is_none_leaves_the_form_open(tmp_path: Path) -> None:
    waits = begun(tmp_path, "triage", '{"topic": "other"}')
    with pytest.raises(FlowError, match="still open"):
        waits.answer("form", form={"topic": "weather", "urgent": False})
    assert waits.answer("team", choose="support").questions[0].id == "form"


@pytest.mark.filterwarnings("ignore::DeprecationWarning:crewai")
def test_a_person_has_the_last_word_on_what_a_crew_wrote(tmp_path: Path) -> None:
    waits = begun(tmp_path, "review_crew", "Bread from stone.", "Warm bread.", subject="an oven")
    assert value_of(waits) == "Bread from stone."
    again = waits.answer(reject="Say warm.")
    assert (again.status, value_of(again)) == ("waiting", "Warm bread.")
    assert "Say warm." in ASKED["review_crew"][-1][-1][1]
    end = again.answer(approve=True)
    assert (end.status, end.outputs) == ("finished", {"slogan": "Warm bread."})
    assert len(ASKED["review_crew"]) == 2


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ({"approve": True}, "6912"),
        ({"value": {"expression": "2 + 2"}}, "4"),
        ({"reject": "No sums."}, "The reason: No sums."),
        ({"respond": "seven"}, "seven"),
    ],
)
def test_what_a_person_decides_about_a_call_is_what_the_agent_reads(
    tmp_path: Path, answer: dict[str, Any], read: str
) -> None:
    lines = (call("calculator", expression="1234 + 5678"), said("That is it."))
    waits = begun(tmp_path, "review_tool_calls", *lines)
    (asked,) = waits.questions
    assert (asked.title, asked.whom) == ("May the agent calculate this?", "the supervisor")
    end = waits.answer(**answer)
    assert (end.status, end.outputs["answer"]) == ("finished", "That is it.")
    assert read in ASKED["review_tool_calls"][-1][-1][1]
    assert len(ASKED["review_tool_calls"]) == 2, "no request was made twice"
