"""A person looks at what a crew did: CrewAI's `human_input`, as our questions, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.events import (
    NodeStreamed,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunWaiting,
)
from patchbay.flows.runs.history import History
from patchbay.flows.runs.running import Run
from patchbay.nodes.agents.crew_review import NO_REASON
from patchbay.nodes.questions import Question, Reply
from tests.flows.runs import harness
from tests.nodes.agents.conftest import environment
from tests.nodes.agents.scripted import ASKED, call
from tests.nodes.agents.told import Told
from tests.stores import url_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:crewai")


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(url_of(tmp_path / "history.sqlite"))


def crew(*lines: str, second: bool = False, **task: Any) -> Flow:
    """One role and its task, which a person looks at; with `second`, a task after it, too."""
    nodes: dict[str, Any] = {
        "model": ("test.scripted", {"name": "m", "lines": list(lines), "native": True}),
        "tool": "tool.calculator",
        "writer": ("agent.role", {"role": "Writer"}),
        "work": ("agent.task", {"description": "Write a line.", "human_input": True, **task}),
        "crew": "agent.crew",
        "text": ("io.output", {"name": "text"}),
    }
    wires = [
        "model.model > writer.model", "tool.tool > writer.tools", "writer.agent > work.agent",
        "work.task > crew.tasks", "crew.text > text.value",
    ]  # fmt: skip
    if second:
        nodes["next"] = ("agent.task", {"description": "Write more.", "human_input": True})
        wires += ["writer.agent > next.agent", "work.task > next.context",
                  "next.task > crew.tasks"]  # fmt: skip
    return harness.flow(nodes, wires)


async def test_it_waits_and_an_accepted_result_counts(history: History) -> None:
    told = Told(history, crew("A line.", whom="the editor"))
    assert isinstance(await told.until_end(), RunWaiting)
    (asked,) = history.inbox.open()
    assert asked.title == "Is this right? Writer did: Write a line."
    assert (asked.asks["value"], asked.whom) == ("A line.", "the editor")
    end = await told.answer(True)
    assert isinstance(end, RunFinished)
    assert end.outputs["text"] == "A line."
    assert len(ASKED["m"]) == 1, "no request was made twice"


async def test_what_is_rejected_is_done_again_until_it_is_right(history: History) -> None:
    told = Told(history, crew("A line.", "A short line.", "Short."))
    await told.until_end()
    assert isinstance(await told.answer(False, comment="Shorter."), RunWaiting)
    (asked,) = history.inbox.open()
    assert (asked.asks["value"], asked.id) == ("A short line.", "crew@task 1#2")
    assert "Shorter." in ASKED["m"][-1][-1][1], "the agent reads what was wrong"
    assert ("note", "ada did not accept it: Shorter.") in told.steps()
    assert isinstance(await told.answer(False), RunWaiting)
    assert NO_REASON in ASKED["m"][-1][-1][1], "no reason is no yes"
    end = await told.answer(True)
    assert isinstance(end, RunFinished)
    assert end.outputs["text"] == "Short."
    assert len(ASKED["m"]) == 3, "no request was made twice"


async def test_calls_of_tools_before_and_after_it_are_made_once(history: History) -> None:
    lines = (call("calculator", expression="6 * 7"), "It is 42.",
             call("calculator", expression="42 / 2"), "Half of it is 21.")  # fmt: skip
    told = Told(history, crew(*lines))
    await told.until_end()
    assert isinstance(await told.answer(False, comment="Half of it."), RunWaiting)
    end = await told.answer(True)
    assert isinstance(end, RunFinished)
    assert end.outputs["text"] == "Half of it is 21."
    assert len(ASKED["m"]) == 4
    assert [text for what, text in told.steps() if what == "tool result"] == ["42", "21"]


async def test_each_task_asks_for_itself(history: History) -> None:
    told = Told(history, crew("One.", "Two.", second=True))
    await told.until_end()
    assert isinstance(await told.answer(True), RunWaiting)
    (asked,) = history.inbox.open()
    assert (asked.id, asked.asks["value"]) == ("crew@task 2", "Two.")
    end = await told.answer(True)
    assert isinstance(end, RunFinished)
    assert end.outputs["text"] == "Two."
    assert len(ASKED["m"]) == 2


@pytest.mark.parametrize(("late", "ends"), [("fail", RunFailed), ("accept", RunFinished)])
async def test_when_nobody_answers_in_time(history: History, late: str, ends: type) -> None:
    told = Told(history, crew("A line.", within_hours=1e-7, when_late=late))
    end = await told.until_end()
    if isinstance(end, RunWaiting):  # it fell asleep before the deadline
        told.go_on()
        end = await told.until_end()
    assert isinstance(end, ends)
    if isinstance(end, RunFailed):
        assert end.problem.code == "question/expired"


async def test_nobody_to_ask_is_said_before_anything_runs() -> None:
    with pytest.raises(FlowError, match="nobody can be asked"):
        Run(crew("A line."), {}, environment())


async def test_at_the_terminal_it_asks_at_once() -> None:
    seen: list[Any] = []

    async def asker(event: Any, question: Question) -> Reply:
        seen.append(question.value)
        return Reply(len(seen) == 2, "ada", 0.0, "" if len(seen) == 2 else "Better.")

    events = [e async for e in Run(crew("One.", "Two."), {}, environment(asker=asker)).events()]
    assert isinstance(events[-1], RunFinished)
    assert seen == ["One.", "Two."]
    assert not [e for e in events if isinstance(e, NodeStreamed)], "a draft is not the answer"


async def test_a_revision_that_is_broken_off_goes_on_where_it_was(history: History) -> None:
    lines = (call("calculator", expression="6 * 7"), "It is 42.",
             call("calculator", expression="42 / 2"), "Half of it is 21.")  # fmt: skip
    told = Told(history, crew(*lines))
    await told.until_end()
    assert isinstance(
        await told.answer(False, comment="Half.", until="tool result 21"), RunCancelled
    )
    told.go_on()
    assert isinstance(await told.until_end(), RunWaiting)
    assert history.inbox.open()[0].asks["value"] == "Half of it is 21."
    assert isinstance(await told.answer(True), RunFinished)
    assert len(ASKED["m"]) == 4, "no request was made twice"
