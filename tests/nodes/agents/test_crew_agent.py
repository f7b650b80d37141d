"""A crew as a sub-agent of a deep agent: what it is told, what comes back, whom it asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.runs.events import RunFinished, RunWaiting
from patchbay.flows.runs.history import History
from patchbay.nodes.agents.crew_agent import CrewAsAgent
from patchbay.nodes.agents.plan import make_plan
from patchbay.nodes.agents.specs import CrewAgent, CrewTask, RoleAgent
from patchbay.nodes.contract import NodeError
from patchbay.nodes.values import decode, encode
from tests.flows.runs import harness
from tests.nodes.agents.scripted import ASKED, ScriptedModel, call
from tests.nodes.agents.told import Told

pytest.importorskip("deepagents")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:crewai")
MODEL = ScriptedModel(name="m", lines=("Hello.",))
WRITER = RoleAgent(role="Writer", goal="g", backstory="b", model=MODEL)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(f"sqlite:///{tmp_path / 'history.sqlite'}")


def task(name: str, about: str = "Write.") -> str:
    return call("task", description=about, subagent_type=name)


def written(who: RoleAgent | None = WRITER) -> CrewTask:
    return CrewTask(description="Write.", expected="x", agent=who)


def crew(*tasks: CrewTask, **given: Any) -> CrewAgent:
    params = CrewAsAgent.Params.model_validate(given.pop("params", {}))
    inputs = CrewAsAgent.input_ports(params)(tasks=tasks, **given)
    return CrewAsAgent.describe(params, inputs).agent


def test_a_crew_is_only_described_and_travels_as_data() -> None:
    agent = crew(written(), params={"name": "authors", "description": "Writes."})
    assert (agent.name, agent.tasks, agent.manager) == ("authors", (written(),), None)
    types = {spec.tag(): spec for spec in (CrewAgent, CrewTask, RoleAgent, ScriptedModel)}
    assert decode(encode(agent), types) == agent


def test_a_manager_decides_who_does_what_nobody_was_named_for() -> None:
    with pytest.raises(NodeError, match="Nobody does the task"):
        crew(written(None))
    managed = crew(written(None), agents=[WRITER], manager=MODEL,
                   params={"process": "hierarchical"})  # fmt: skip
    assert managed.manager == MODEL


def test_a_crew_is_no_role_of_a_crew() -> None:
    with pytest.raises(NodeError, match="cannot employ"):
        make_plan([written()], [crew(written())], managed=False)


def with_crew(lines: list[str], said: list[str], **params: Any) -> Flow:
    nodes = {
        "model": ("test.scripted", {"name": "boss", "lines": lines, "native": True}),
        "said": ("test.scripted", {"name": "crew", "lines": said, "native": True}),
        "text": ("test.text", {"text": "Work."}),
        "writer": ("agent.role", {"role": "Writer"}),
        "write": ("agent.task", {"description": "Write a line.", **params}),
        "check": ("agent.task", {"description": "Check it."}),
        "crew": ("agent.crew_agent", {"name": "authors"}),
        "agent": "agent.deep",
        "answer": ("io.output", {"name": "answer"}),
        "used": ("io.output", {"name": "usage"}),
    }
    wires = [
        "model.model > agent.model", "text.text > agent.prompt", "said.model > writer.model",
        "writer.agent > write.agent", "writer.agent > check.agent", "write.task > check.context",
        "check.task > crew.tasks", "crew.agent > agent.agents", "agent.text > answer.value",
        "agent.usage > used.value",
    ]  # fmt: skip
    return harness.flow(nodes, wires)


async def test_a_crew_is_given_a_task_and_its_last_result_comes_back(history: History) -> None:
    told = Told(history, with_crew([task("authors", "About ovens."), "Done."], ["A.", "B."]))
    end = await told.until_end()
    assert isinstance(end, RunFinished), end
    first, second = (request[-1][1] for request in ASKED["crew"])
    for asked, own in ((first, "Write a line."), (second, "Check it.")):
        assert own in asked
        assert "The crew was asked to do this:\nAbout ovens." in asked
    assert ASKED["boss"][-1][-1] == ("tool", "B.")
    assert [row[0] for row in end.outputs["usage"].rows] == ["agent", "Writer", "all"]


async def test_a_person_looks_at_what_a_crew_did_for_a_deep_agent(history: History) -> None:
    flow = with_crew([task("authors"), "Done."], ["A.", "B.", "C."], human_input=True)
    told = Told(history, flow)
    assert isinstance(await told.until_end(), RunWaiting)
    assert history.inbox.open()[0].asks["value"] == "A."
    assert isinstance(await told.answer(False, comment="Again."), RunWaiting)
    assert history.inbox.open()[0].asks["value"] == "B."
    end = await told.answer(True)
    assert isinstance(end, RunFinished), end
    assert [len(ASKED["boss"]), len(ASKED["crew"])] == [2, 3], "no request was made twice"
