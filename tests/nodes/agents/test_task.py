"""A task: its variables are ports, its context other tasks; and the plan of a crew."""

from __future__ import annotations

import pytest

from patchbay.flows.checks.validate import validate
from patchbay.flows.problems import Problem
from patchbay.nodes.agents.plan import make_plan
from patchbay.nodes.agents.specs import CrewTask, RoleAgent
from patchbay.nodes.agents.task import Task
from patchbay.nodes.contract import NodeError
from tests.flows.runs import harness
from tests.nodes.agents.conftest import CATALOG
from tests.nodes.agents.scripted import ScriptedModel


def agent(role: str = "Writer", **fields: object) -> RoleAgent:
    model = ScriptedModel(name="m", lines=("Hello.",))
    return RoleAgent(role=role, goal="g", backstory="b", model=model, **fields)  # type: ignore[arg-type]


def task(description: str, *context: CrewTask, who: RoleAgent | None = None) -> CrewTask:
    return CrewTask(description=description, expected="x", agent=who or agent(), context=context)


def test_variables_are_ports():
    params = Task.Params(description="Compare {a} with {b}, as {{JSON}}.")
    assert list(Task.input_ports(params).declared) == ["agent", "context", "a", "b"]
    inputs = Task.input_ports(params)(agent=agent(), a="tea", b=2.0)
    described = Task.describe(params, inputs).task
    assert described.description == "Compare tea with 2, as {JSON}."
    assert (described.agent, described.context) == (agent(), ())


def test_what_is_expected_is_filled_where_it_says_so():
    params = Task.Params(description="Compare {a}.", expected="{n} words on {a}")
    assert list(Task.input_ports(params).declared) == ["agent", "context", "a"]
    params = params.model_copy(update={"fill": True})
    inputs = Task.input_ports(params)(agent=agent(), a="tea", n=5.0)
    assert Task.describe(params, inputs).task.expected == "5 words on tea"
    with pytest.raises(ValueError, match="name of a port of every task"):
        Task.Params(fill=True, expected="As {context}")


def test_what_cannot_be_a_task():
    with pytest.raises(ValueError, match="name of a port of every task"):
        Task.Params(description="Ask {agent}")
    with pytest.raises(ValueError, match="must be one of"):
        Task.Params(output_schema={"type": "thing"})
    params = Task.Params(description="Find {x}")
    with pytest.raises(NodeError, match=r"needs \{x\}"):
        Task.describe(params, Task.input_ports(params)(x=None))


def test_tasks_come_in_the_order_of_the_wires_after_their_context():
    first, second = task("1"), task("2")
    third = task("3", first, second)
    fourth = task("4", third)
    plan = make_plan([fourth, second], managed=False)
    assert [t.description for t in plan.tasks] == ["1", "2", "3", "4"]
    assert plan.context(third) == [0, 1]
    assert plan.agents == (agent(),)


def test_what_no_crew_can_do():
    unowned = CrewTask(description="Do it.", expected="x")
    with pytest.raises(NodeError, match=r'Nobody does the task "Do it\."'):
        make_plan([unowned], managed=False)
    with pytest.raises(NodeError, match="has no agents"):
        make_plan([unowned], managed=True)
    with pytest.raises(NodeError, match="has no tasks"):
        make_plan([], managed=False)
    twins = [task("1"), task("2", who=agent("writer", delegation=True))]
    with pytest.raises(NodeError, match='Two different agents have the role "Writer"'):
        make_plan(twins, managed=False)


def circle(*wires: str) -> list[Problem]:
    nodes = {
        "model": "test.scripted",
        "who": "agent.role",
        "a": ("agent.task", {"description": "One."}),
        "b": ("agent.task", {"description": "Two."}),
        "c": ("agent.task", {"description": "Three."}),
        "crew": "agent.crew",
        "out": harness.OUT,
    }
    common = ["model.model > who.model", "who.agent > a.agent", "who.agent > b.agent",
              "who.agent > c.agent", "c.task > crew.tasks", "crew.text > out.value"]  # fmt: skip
    return validate(harness.flow(nodes, [*common, *wires]), CATALOG)


def test_tasks_that_wait_for_each_other_are_found_before_anything_runs():
    assert circle("a.task > b.context", "b.task > c.context") == []
    found = circle("a.task > b.context", "b.task > c.context", "c.task > a.context")
    cycles = [problem for problem in found if problem.code == "structure/cycle"]
    assert len(cycles) == 1
    assert "a → b → c → a" in cycles[0].message
    assert "structure/cycle" in {p.code for p in circle("a.task > a.context")}
