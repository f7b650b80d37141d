"""A saved flow as a tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from langchain_core.utils.function_calling import convert_to_openai_tool

from patchbay.nodes.contract import InputField, NodeError, SubflowUse
from patchbay.nodes.io.flow_input import FlowInput
from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.tools.flow import FlowAsTool, FlowTool
from patchbay.nodes.values import Document
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


# --- typed inputs ---------------------------------------------------------------------------------


def asks(*params: dict[str, Any]) -> tuple[InputField, ...]:
    """Inputs as `io.input` declares them."""
    return tuple(FlowInput.flow_input(FlowInput.Params(**each)) for each in params)


RATED = asks(
    {"name": "text", "kind": "text", "description": "What is rated."},
    {"name": "weight", "kind": "number"},
    {"name": "tone", "kind": "choice", "choices": ["formal", "casual"], "default": "formal"},
    {"name": "more", "kind": "json", "default": {"a": 1}},
    {"name": "notes", "kind": "documents", "default": []},
)
NAMES = [field.name for field in RATED]


async def rate(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"answer": repr(dict(inputs))}


def rated(ctx: RecordingContext | None = None) -> tuple[Any, RecordingContext]:
    ctx = ctx or RecordingContext(flows={"rate": rate}, asks={"rate": RATED})
    spec = tool_of(FlowAsTool, {"flow": "rate", "inputs": NAMES})
    assert isinstance(spec, FlowTool)
    return spec.bind(ctx), ctx


def test_the_model_is_told_kinds_choices_defaults_and_meanings():
    told = convert_to_openai_tool(rated()[0])["function"]["parameters"]
    assert told["required"] == ["text", "weight"]
    assert told["properties"] == {
        "text": {"type": "string", "description": "What is rated."},
        "weight": {"type": "number", "description": 'The input "weight" of the flow'},
        "tone": {
            "type": "string",
            "enum": ["formal", "casual"],
            "description": 'The input "tone" of the flow',
            "default": "formal",
        },
        "more": {"description": 'The input "more" of the flow', "default": {"a": 1}},
        "notes": {
            "type": "array",
            "items": {"type": "string"},
            "description": 'The input "notes" of the flow',
            "default": [],
        },
    }


@pytest.mark.parametrize(
    ("sent", "given"),
    [
        ({"text": "x", "weight": 3.5}, {"text": "x", "weight": 3.5}),
        ({"text": "x", "weight": "3.5"}, {"text": "x", "weight": "3.5"}),
        ({"text": 7, "weight": 1, "tone": None}, {"text": 7, "weight": 1}),
        ({"text": "x", "weight": 1, "tone": " Casual"}, {"tone": "casual"}),
        ({"text": {"a": 1}, "weight": 1}, {"text": '{"a": 1}'}),
        ({"text": "x", "weight": 1, "more": {"b": 2}}, {"more": {"b": 2}}),
        ({"text": "x", "weight": 1, "more": '{"b": 2}'}, {"more": '{"b": 2}'}),
        ({"text": "x", "weight": 1, "more": "plain"}, {"more": '"plain"'}),
        ({"text": "x", "weight": 1, "notes": "/etc/passwd"},
         {"notes": [Document(text="/etc/passwd")]}),
    ],
)  # fmt: skip
async def test_what_can_mean_one_thing_only_is_read(sent: dict[str, Any], given: dict[str, Any]):
    tool, ctx = rated()
    await tool.ainvoke(sent)
    [(_, inputs, _)] = ctx.calls
    assert {name: inputs[name] for name in given} == given


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"text": "x"}, 'The input "weight" is missing.'),
        ({}, 'The input "text" is missing. The input "weight" is missing.'),
        ({"text": "x", "weight": "heavy"}, 'Input "weight" takes a number, but got "heavy"'),
        ({"text": "x", "weight": True}, 'Input "weight" takes a number'),
        ({"text": "x", "weight": "1_000"}, 'Input "weight" takes a number, but got "1_000"'),
        ({"text": "x", "weight": "3,5"}, 'Input "weight" takes a number, but got "3,5"'),
        ({"text": "x", "weight": 1, "tone": "rude"}, 'takes one of "formal", "casual", but got'),
        ({"text": "x", "weight": 1, "colour": 1}, 'There is no input "colour"; there are: text'),
    ],
)
async def test_what_does_not_fit_is_said_in_our_words(sent: dict[str, Any], words: str):
    tool, ctx = rated()
    with pytest.raises(NodeError) as caught:
        await tool.ainvoke(sent)
    assert words in caught.value.message
    assert ctx.calls == []


def test_a_file_is_refused():
    ctx = RecordingContext(asks={"shout": asks({"name": "question", "kind": "file"})})
    spec = tool_of(FlowAsTool, {"flow": "shout"})
    assert isinstance(spec, FlowTool)
    with pytest.raises(NodeError, match="takes a file, which a model cannot give"):
        spec.bind(ctx)
