"""Call a tool: any tool that an agent takes, as a step."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from patchbay.nodes.agents.call_tool import CallTool
from patchbay.nodes.contract import NodeError
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.tools.calculator import Calculator
from patchbay.nodes.tools.clock import Clock
from patchbay.nodes.tools.flow import FlowAsTool
from patchbay.nodes.tools.http_get import HttpGet
from patchbay.nodes.tools.tool import BoundTool, langchain_tool
from tests.nodes.tools.kit import tool_of


def called(tool: Any, arguments: dict[str, Any], ctx: Any = None, **values: Any) -> dict[str, Any]:
    given = {"tool": tool, **values}
    return run_node(CallTool, {"arguments": arguments}, given, ctx or RecordingContext())


def test_a_tool_is_called_with_what_is_wired():
    outputs = called(tool_of(Calculator), {"expression": "{a} * 24"}, a=17.0)
    assert outputs == {"text": "408", "json": 408}


def test_a_flow_as_a_tool_gets_values_as_they_are():
    seen: list[Any] = []

    async def flow(given: Any) -> dict[str, Any]:
        seen.append(dict(given))
        return {"answer": "as you wish"}

    tool = tool_of(FlowAsTool, {"flow": "f", "inputs": ["question"]})
    ctx = RecordingContext(flows={"f": flow})
    assert called(tool, {"question": "{q}"}, ctx, q="{a}") == {"text": "as you wish"}
    assert seen == [{"question": "{a}"}]


def test_what_goes_wrong_is_said_with_the_tool():
    calculator = tool_of(Calculator)
    with pytest.raises(NodeError, match='The tool "calculator" does not take these arguments') as f:
        called(calculator, {"sum": "1"})
    assert "expression" in f.value.fix
    with pytest.raises(NodeError, match='The tool "calculator" failed'):
        called(calculator, {"expression": "1 / 0"})


@pytest.mark.parametrize(
    ("kind", "takes"),
    [(Calculator, {"expression": "1"}), (Clock, {}), (HttpGet, {"url": "http://127.0.0.1:1"})],
)
def test_an_argument_that_a_tool_does_not_have_is_refused(kind: Any, takes: dict[str, str]):
    with pytest.raises(NodeError, match="precision: the tool has no such argument") as found:
        called(tool_of(kind), {**takes, "precision": 2})
    assert found.value.fix == f"Its arguments are: {', '.join(takes) or 'none'}."


def test_the_port_of_the_tool_cannot_be_a_variable():
    with pytest.raises(ValidationError, match="name of a port"):
        CallTool.Params.model_validate({"arguments": {"a": ["{tool}"]}})


class Says(BoundTool):
    """Gives a text."""

    backend: ClassVar[str] = "says"
    text: str

    def bind(self, ctx: Any) -> Any:
        """The tool."""

        async def use() -> str:
            return self.text

        return langchain_tool(self, use, {})


@pytest.mark.parametrize(
    "text", ["NaN", "[1, Infinity]", "[" * 2000 + "]" * 2000, '["\\ud83d"]', "{1: 2}", "1e999"]
)
def test_what_is_no_json_of_ours_is_only_text(text: str):
    assert called(Says(name="says", description="d", text=text), {}) == {"text": text}


@pytest.mark.parametrize("name", ["config", "self", "run_manager"])
def test_an_argument_may_have_any_name(name: str):
    seen: list[Any] = []

    async def flow(given: Any) -> dict[str, Any]:
        seen.append(dict(given))
        return {"answer": "a"}

    tool = tool_of(FlowAsTool, {"flow": "f", "inputs": [name]})
    assert called(tool, {name: "x"}, RecordingContext(flows={"f": flow}))["text"] == "a"
    assert seen == [{name: "x"}]
