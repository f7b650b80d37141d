"""A saved flow as a tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError, SubflowUse
from patchbay.nodes.tools.flow import FlowAsTool, FlowTool
from tests.nodes.context import RecordingContext
from tests.nodes.tools.kit import tool_of


async def shout(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"answer": f"{inputs['question']}!".upper()}


async def test_an_agent_runs_a_flow():
    ctx = RecordingContext(flows={"shout": shout})
    spec = tool_of(FlowAsTool, {"flow": "shout"})
    assert isinstance(spec, FlowTool)
    tool = spec.bind(ctx)
    assert await tool.ainvoke({"question": "who"}) == "WHO!"
    assert await tool.ainvoke({"question": "why"}) == "WHY!"
    assert [label for _, _, label in ctx.calls] == ["ask_flow-1", "ask_flow-2"]
    assert spec.repeatable is False


async def test_a_flow_without_the_output():
    ctx = RecordingContext(flows={"shout": shout})
    spec = tool_of(FlowAsTool, {"flow": "shout", "output": "other"})
    assert isinstance(spec, FlowTool)
    with pytest.raises(NodeError, match='gave no output "other"'):
        await spec.bind(ctx).ainvoke({"question": "who"})


def test_the_flow_is_checked_with_the_one_that_it_stands_in():
    params = FlowAsTool.Params(flow="shout", inputs=["question", "tone"])
    assert FlowAsTool.subflows(params) == (SubflowUse("shout", ("question", "tone"), ("answer",)),)
