"""A role is a description, and says what does not go together."""

from __future__ import annotations

import pytest

from patchbay.nodes.agents.role import Role
from patchbay.nodes.agents.specs import RoleAgent
from patchbay.nodes.contract import NodeError
from patchbay.nodes.tools.calculator import Calculator, CalculatorTool
from patchbay.nodes.tools.clock import ClockTool
from patchbay.nodes.values import content_hash, decode, encode
from tests.nodes.agents.scripted import ScriptedModel

MODEL = ScriptedModel(name="m", lines=("Hello.",))
SUMS = CalculatorTool(name="sums", description="Calculates.")


def role(**params: object) -> RoleAgent:
    tools = params.pop("tools", (SUMS,))
    inputs = Role.Inputs(model=MODEL, tools=tools)
    return Role.describe(Role.Params.model_validate(params), inputs).agent


def test_a_role_is_only_described():
    agent = role(role="Editor", max_tokens=100, tool_format="text")
    assert (agent.role, agent.model, agent.tools) == ("Editor", MODEL, (SUMS,))
    assert (agent.limits.tokens, agent.limits.seconds, agent.text_tools) == (100, None, True)
    assert agent.parts() == (MODEL, SUMS)


def test_its_texts_are_filled_where_it_says_so():
    told = {
        "role": "{topic} expert",
        "goal": "Know {topic}.",
        "backstory": "{{JSON}}, {years} years.",
    }
    assert role(**told).goal == "Know {topic}."
    params = Role.Params(fill=True, **told)
    ports = Role.input_ports(params)
    assert list(ports.declared) == ["model", "tools", "topic", "years"]
    agent = Role.describe(params, ports(model=MODEL, topic="Tea", years=9.0)).agent
    assert (agent.role, agent.goal, agent.backstory) == (
        "Tea expert",
        "Know Tea.",
        "{JSON}, 9 years.",
    )
    with pytest.raises(NodeError, match=r"role needs \{years\}"):
        Role.describe(params, ports(model=MODEL, topic="Tea", years=None))
    with pytest.raises(ValueError, match="name of a port of every role"):
        Role.Params(fill=True, goal="Use {tools}")


def test_it_travels_as_data():
    agent = role()
    types = {spec.tag(): spec for spec in (RoleAgent, ScriptedModel, CalculatorTool)}
    assert decode(encode(agent), types) == agent
    assert content_hash(agent) != content_hash(role(goal="Something else."))


def test_two_tools_of_one_name():
    clock = ClockTool(name="sums", description="Tells the time.")
    with pytest.raises(NodeError, match='Two of the tools are named "sums"'):
        role(tools=[SUMS, clock])


def test_params_have_bounds():
    for wrong in ({"iterations": 0}, {"max_tokens": 0}, {"max_seconds": -1}, {"role": ""}):
        with pytest.raises(ValueError, match="validation error"):
            Role.Params.model_validate(wrong)


def test_it_is_called_by_its_role_until_somebody_gives_it_a_title():
    assert Role.called({"role": "  The  editor "}) == "The editor"
    assert Role.called({}) == "Researcher"
    for odd in ({"role": 3}, {"role": " "}):
        assert Role.called(odd) == "Role agent"
    assert Calculator.called({"role": "nobody"}) == Calculator.title
