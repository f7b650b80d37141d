"""Tools about which people decide: the four decisions, for ReAct and for crews, exactly."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows import InThread, Threads, run
from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.answers import find, give
from patchbay.flows.runs.events import RunFinished, RunWaiting
from patchbay.flows.runs.history import History
from patchbay.flows.runs.running import Run
from tests.flows.runs import harness
from tests.nodes.agents.conftest import environment
from tests.nodes.agents.scripted import ASKED, answer, call
from tests.nodes.agents.told import Told
from tests.stores import url_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:crewai")
SUM = call("calculator", expression="1234 + 5678")
REACT = ["model.model > agent.model", "question.text > agent.prompt", "tool.tool > ask.tool",
         "ask.tool > agent.tools", "agent.text > text.value"]  # fmt: skip


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(url_of(tmp_path / "history.sqlite"))


def react(lines: list[str], native: bool = True, **policy: Any) -> Flow:
    nodes = {
        "model": ("test.scripted", {"name": "m", "lines": lines, "native": native}),
        "question": ("test.text", {"text": "What is 1234 + 5678?"}),
        "tool": "tool.calculator",
        "ask": ("tool.ask_first", policy),
        "agent": "agent.react",
        "text": ("io.output", {"name": "text"}),
    }
    return harness.flow(nodes, REACT)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize(
    ("decision", "seen"),
    [
        ({"decision": "approve"}, "6912"),
        ({"decision": "edit", "arguments": {"expression": "1 + 1"}}, "2"),
        (
            {"decision": "reject", "message": "No sums today."},
            "A person rejected this call. The reason: No sums today.",
        ),
        ({"decision": "respond", "message": "seven"}, "seven"),
    ],
)
async def test_the_four_decisions(
    history: History, native: bool, decision: dict[str, Any], seen: str
) -> None:
    last = "That is it." if native else answer("That is it.")
    told = Told(history, react([SUM, last], native))
    assert isinstance(await told.until_end(), RunWaiting)
    (asked,) = history.inbox.open()
    assert asked.asks["wants"]["arguments"] == {"expression": "1234 + 5678"}
    assert asked.title == "May agent use calculator?"
    end = await told.answer(decision)
    assert isinstance(end, RunFinished)
    assert end.outputs["text"] == "That is it."
    assert len(ASKED["m"]) == 2, "no request was made twice"
    assert seen in ASKED["m"][-1][-1][1], "the model reads it"


async def test_two_calls_of_a_turn_ask_at_once(history: History) -> None:
    both = f"[{SUM}, {call('calculator', expression='2 * 3')}]"
    told = Told(history, react([both, "Both."]))
    assert isinstance(await told.until_end(), RunWaiting)
    asked = {q.asks["wants"]["arguments"]["expression"]: q.id for q in history.inbox.open()}
    assert set(asked) == {"1234 + 5678", "2 * 3"}
    waits = await told.answer({"decision": "approve"}, asked["2 * 3"])
    assert isinstance(waits, RunWaiting)
    assert [question.id for question in history.inbox.open()] == [asked["1234 + 5678"]]
    end = await told.answer({"decision": "approve"}, asked["1234 + 5678"])
    assert isinstance(end, RunFinished)
    assert len(ASKED["m"]) == 2, "no request was made twice"
    assert [text for kind, text in ASKED["m"][-1] if kind == "tool"] == ["6912", "6"]


@pytest.mark.parametrize(
    ("policy", "asks"),
    [
        ({"when": "always"}, True),
        ({"when": "never"}, False),
        ({"when": "an argument matches", "pattern": "5678"}, True),
        ({"when": "an argument matches", "pattern": "5678", "argument": "expression"}, True),
        ({"when": "an argument matches", "pattern": "5678", "argument": "other"}, False),
        ({"when": "an argument matches", "pattern": "^9"}, False),
    ],
)
async def test_when_it_asks(history: History, policy: dict[str, Any], asks: bool) -> None:
    end = await Told(history, react([SUM, "Done."], **policy)).until_end()
    assert isinstance(end, RunWaiting if asks else RunFinished)


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        ("perhaps", "approve, edit, reject, respond"),
        ({"decision": "edit"}, "needs the arguments"),
        ({"decision": "edit", "arguments": {"wrong": 1}}, "does not fit"),
        ({"decision": "respond"}, "needs a message"),
        ({"decision": "approve", "message": "x"}, "takes no message"),
    ],
)
async def test_decisions_that_are_none(history: History, decision: Any, words: str) -> None:
    told = Told(history, react([SUM, "Done."]))
    await told.until_end()
    with pytest.raises(FlowError, match=words):
        give(history, find(history, told.id), decision)
    assert len(history.inbox.open()) == 1


async def test_a_flow_with_such_a_tool_is_refused_where_nobody_can_be_asked() -> None:
    with pytest.raises(FlowError, match="nobody can be asked"):
        Run(react([SUM]), {}, environment())
    Run(react([SUM], when="never"), {}, environment())


def crew(lines: list[str]) -> tuple[dict[str, Any], Iterable[str]]:
    nodes = {
        "model": ("test.scripted", {"name": "m", "lines": lines, "native": True}),
        "tool": "tool.calculator",
        "ask": "tool.ask_first",
        "analyst": ("agent.role", {"role": "Analyst"}),
        "work": ("agent.task", {"description": "Work out 17 * 24.", "expected": "A number."}),
        "crew": "agent.crew",
        "text": ("io.output", {"name": "text"}),
    }
    wires = [
        "model.model > analyst.model", "tool.tool > ask.tool", "ask.tool > analyst.tools",
        "analyst.agent > work.agent", "work.task > crew.tasks", "crew.text > text.value",
    ]  # fmt: skip
    return nodes, wires


async def test_a_crew_waits_and_goes_on(history: History) -> None:
    told = Told(history, harness.flow(*crew([call("calculator", expression="17 * 24"), "408."])))
    assert isinstance(await told.until_end(), RunWaiting)
    (asked,) = history.inbox.open()
    assert asked.title == "May Analyst use calculator?"
    end = await told.answer({"decision": "approve"})
    assert isinstance(end, RunFinished)
    assert end.outputs["text"] == "408."
    assert len(ASKED["m"]) == 2


@pytest.mark.parametrize(
    ("reply", "seen"),
    [
        ({"approve": True}, "6912"),
        ({"reject": "No sums today."}, "No sums today."),
        ({"value": {"expression": "1 + 1"}}, "2"),
        ({"respond": "seven"}, "seven"),
    ],
)
def test_a_tool_asks_within_a_turn_of_a_conversation(
    history: History, reply: dict[str, Any], seen: str
) -> None:
    """The thread waits with the question; the turn holds the answer, and the next one goes on."""
    made = react([SUM, "It is done.", "As I said."])
    talk = harness.flow({"question": ("io.input", {"name": "said", "kind": "messages"})}).nodes
    nodes = tuple(node for node in made.nodes if node.id != "question")
    wires = tuple(edge for edge in made.edges if edge.source_node != "question")
    said = harness.flow({}, ["question.value > agent.prompt"]).edges
    flow = made.model_copy(update={"nodes": (*nodes, *talk), "edges": (*wires, *said)})
    env, where = environment(), InThread("ada", when_busy="refuse")
    given = {"said": "What is 1234 + 5678?"}
    waits = run(flow, given, thread=where, history=history, environment=env)
    assert (waits.status, Threads(history).turns("ada")) == ("waiting", [])
    assert [asked.title for asked in waits.questions] == ["May agent use calculator?"]
    with pytest.raises(FlowError, match="only one at a time"):
        run(flow, given, thread=where, history=history, environment=env)
    end = waits.answer(who="ada", **reply)
    assert end.outputs["text"] == "It is done."
    assert any(seen in text for kind, text in ASKED["m"][-1] if kind == "tool")
    assert len(ASKED["m"]) == 2, "no request was made twice"
    again = run(flow, {"said": "Sure?"}, thread=where, history=history, environment=env)
    assert again.status == "finished"
    assert [(turn.asked, turn.answer) for turn in Threads(history).turns("ada")] == [
        ("What is 1234 + 5678?", "It is done."), ("Sure?", again.outputs["text"]),
    ]  # fmt: skip
