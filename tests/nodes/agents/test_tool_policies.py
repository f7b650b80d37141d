"""Policies of a server's tools: never, always, when an argument matches; yours come first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.events import RunFailed, RunFinished, RunWaiting
from patchbay.flows.runs.history import History
from patchbay.flows.runs.running import Run
from patchbay.nodes.mcp.servers import ServerPolicy
from patchbay.nodes.mcp.tools_node import McpToolsNode
from tests.flows.runs import harness
from tests.nodes.agents.conftest import environment
from tests.nodes.agents.scripted import call
from tests.nodes.agents.told import Told
from tests.nodes.mcp.conftest import *  # noqa: F403 - its fixtures

STEP = ["shop.tool > call.tool", "call.text > text.value"]
REACT = ["model.model > agent.model", "question.text > agent.prompt", "shop.tool > agent.tools",
         "agent.text > text.value"]  # fmt: skip


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(f"sqlite:///{tmp_path / 'history.sqlite'}")


def step(item: str, *ask: dict[str, Any]) -> Flow:
    """*Call a tool* with the price of an item."""
    params = {"server": "shop", "only": ["price"], "ask": list(ask)}
    nodes = {
        "shop": ("tool.mcp", params),
        "call": ("tool.call", {"arguments": {"item": item}}),
        "text": ("io.output", {"name": "text"}),
    }
    return harness.flow(nodes, STEP)


def agent(lines: list[str], *ask: dict[str, Any]) -> Flow:
    nodes = {
        "model": ("test.scripted", {"name": "m", "lines": lines}),
        "question": ("test.text", {"text": "How much?"}),
        "shop": ("tool.mcp", {"server": "shop", "ask": list(ask)}),
        "agent": "agent.react",
        "text": ("io.output", {"name": "text"}),
    }
    return harness.flow(nodes, REACT)


ALWAYS = {"tool": "price"}
TEA = {"tool": "p*", "when": "an argument matches", "argument": "item", "pattern": "^tea$"}
NEVER = {"tool": "*", "when": "never"}


async def test_a_step_asks_before_it_calls(history: History, settings: Path) -> None:
    told = Told(history, step("tea", ALWAYS))
    assert isinstance(await told.until_end(), RunWaiting)
    (asked,) = history.inbox.open()
    assert asked.title == "May this flow use price?"
    assert asked.asks["wants"]["arguments"] == {"item": "tea"}
    end = await told.answer({"decision": "edit", "arguments": {"item": "tea", "count": 3}})
    assert isinstance(end, RunFinished)
    assert end.outputs["text"] == "3 tea: 6"


async def test_a_step_that_is_rejected_fails_in_words(history: History, settings: Path) -> None:
    told = Told(history, step("tea", ALWAYS))
    await told.until_end()
    end = await told.answer({"decision": "reject", "message": "Too dear."})
    assert isinstance(end, RunFailed)
    assert end.problem.code == "tool/rejected"
    assert "The reason: Too dear." in end.problem.message


@pytest.mark.parametrize(
    ("item", "policies", "asks"),
    [
        ("tea", [TEA], True),
        ("coffee", [TEA], False),
        ("tea", [NEVER], False),
        ("tea", [{"tool": "variables"}], False),
        ("tea", [{"tool": "price", "when": "never"}, {"tool": "*"}], False),  # the first counts
        ("tea", [], False),
    ],
)
async def test_when_it_asks(
    history: History, settings: Path, item: str, policies: list[Any], asks: bool
) -> None:
    end = await Told(history, step(item, *policies)).until_end()
    assert isinstance(end, RunWaiting if asks else RunFinished)


async def test_an_agent_is_held_to_the_same(history: History, settings: Path) -> None:
    lines = [call("variables"), call("price", item="tea"), "Done."]
    told = Told(history, agent(lines, TEA))
    assert isinstance(await told.until_end(), RunWaiting)
    (asked,) = history.inbox.open()
    assert asked.asks["wants"]["arguments"] == {"item": "tea"}
    end = await told.answer({"decision": "approve"})
    assert isinstance(end, RunFinished)


async def test_your_own_settings_come_before_what_a_flow_says(
    history: History, settings: Path
) -> None:
    settings.write_text(settings.read_text() + '[[mcp.servers.shop.ask]]\ntool = "price"\n')
    end = await Told(history, step("tea", NEVER)).until_end()
    assert isinstance(end, RunWaiting)


def test_where_nobody_can_be_asked_the_flow_is_refused(settings: Path) -> None:
    with pytest.raises(FlowError, match="asks a person, and nobody can be asked"):
        Run(step("tea", ALWAYS), {}, environment())
    Run(step("tea", NEVER), {}, environment())
    assert not McpToolsNode.asks(McpToolsNode.Params(server="unknown"))


@pytest.mark.parametrize(
    "policy",
    [
        {"when": "an argument matches"},
        {"when": "an argument matches", "pattern": "("},
        {"when": "sometimes"},
        {"tools": "price"},
    ],
)
def test_policies_that_make_no_sense(policy: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ServerPolicy.model_validate(policy)
    with pytest.raises(ValidationError):
        McpToolsNode.Params.model_validate({"ask": [policy]})
