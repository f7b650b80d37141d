"""Calls that nobody can read, over the real protocol and the real clients.

A server says word for word what it is told to; the agents run in the real engine. What is never
allowed: that a call is run which the model did not finish, that a run ends in silence, or that
what is no answer becomes one.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from patchbay.flows.runs.events import Event
from patchbay.nodes.agents.calls import arguments_of, written_call
from patchbay.nodes.agents.choice import Function
from tests.nodes.agents.conftest import events, outputs, problem, steps, warnings
from tests.nodes.agents.scripted import ASKED, answer, call
from tests.nodes.models.servers.told_server import (
    Reply,
    ToldServer,
    calls,
    delta,
    says,
    told,
    usage,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:crewai")

GOOD = '{"expression": "1234 + 5678"}'
ANSWER = says("It is 6912.")
Kind = str


def react(server: ToldServer, **params: Any) -> tuple[dict[str, Any], list[str]]:
    nodes = {
        "model": ("model.openai_compatible", {"base_url": server.v1, "model": "told"}),
        "question": ("test.text", {"text": "What is 1234 + 5678?"}),
        "tool": "tool.calculator",
        "agent": ("agent.react", params),
        "text": ("io.output", {"name": "text"}),
    }
    wires = ["model.model > agent.model", "question.text > agent.prompt"]
    return nodes, [*wires, "tool.tool > agent.tools", "agent.text > text.value"]


def crew(server: ToldServer, **params: Any) -> tuple[dict[str, Any], list[str]]:
    nodes = {
        "model": ("model.openai_compatible", {"base_url": server.v1, "model": "told"}),
        "tool": "tool.calculator",
        "role": ("agent.role", {"role": "agent", "goal": "g", "backstory": "b", **params}),
        "task": ("agent.task", {"description": "What is 1234 + 5678?", "expected": "a number"}),
        "crew": "agent.crew",
        "text": ("io.output", {"name": "text"}),
    }
    wires = ["model.model > role.model", "tool.tool > role.tools", "role.agent > task.agent"]
    return nodes, [*wires, "task.task > crew.tasks", "crew.text > text.value"]


AGENTS = pytest.mark.parametrize("agent", [react, crew], ids=["react", "crew"])


async def run(
    agent: Any, *replies: Reply, **params: Any
) -> tuple[list[Event], list[dict[str, Any]]]:
    """The events, and the requests that the server got."""
    with told(*replies) as server:
        return await events(*agent(server, **params)), server.asked


def last_message(request: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = request["messages"][-1]
    return found


UNREADABLE = {
    "cut": ('{"expression": "1234 + 56', "length"),
    "cut but whole": (GOOD, "length"),
    "single quotes": ("{'expression': '1234 + 5678'}", "tool_calls"),
    "bare text": ("1234 + 5678", "tool_calls"),
    "a list": ('["1234 + 5678"]', "tool_calls"),
    "null": ("null", "tool_calls"),
    "nothing": ("", "tool_calls"),
    "fenced": (f"```json\n{GOOD}\n```", "tool_calls"),
    "a comma too many": ('{"expression": "1234 + 5678",}', "tool_calls"),
    "two objects": (GOOD + GOOD, "tool_calls"),
    "never closed": ('{"expression": "1234 + 5678"', "tool_calls"),
}


@AGENTS
@pytest.mark.parametrize("raw", UNREADABLE)
async def test_it_is_not_run_and_the_model_is_told(agent: Any, raw: str) -> None:
    arguments, reason = UNREADABLE[raw]
    bad = calls(("calculator", arguments), text="Let me see.", reason=reason)
    happened, asked = await run(agent, bad, calls(("calculator", GOOD)), ANSWER)
    assert outputs(happened)["text"] == "It is 6912."
    note, *rest = steps(happened)
    assert note[:2] == ("agent", "note")
    assert "could not be read, so that it was not run" in note[2]
    assert [step[1:] for step in rest] == [
        ("tool call", GOOD),
        ("tool result", "6912"),
        ("answer", "It is 6912."),
    ]
    answered = last_message(asked[1])
    assert (answered["role"], answered["tool_call_id"]) == ("tool", "call-0")
    assert "cannot be read and was not run" in answered["content"]
    assert '{"expression": "..."}' in answered["content"]
    echoed = asked[1]["messages"][-2]["tool_calls"][0]["function"]
    assert json.loads(echoed["arguments"]) == {}  # servers parse what was said before


@AGENTS
async def test_json_in_a_json_text_is_one_thing_only(agent: Any) -> None:
    """vLLM writes required calls so; telling the model would not help."""
    happened, _ = await run(agent, calls(("calculator", json.dumps(GOOD))), ANSWER)
    assert ("agent", "tool result", "6912") in steps(happened)


@AGENTS
async def test_an_object_in_place_of_its_text(agent: Any) -> None:
    happened, _ = await run(agent, calls(("calculator", json.loads(GOOD))), ANSWER)
    assert ("agent", "tool result", "6912") in steps(happened)


@AGENTS
async def test_of_two_calls_neither_is_run_if_one_cannot_be_read(agent: Any) -> None:
    both = calls(("calculator", GOOD), ("calculator", "eggs"))
    happened, asked = await run(agent, both, ANSWER)
    assert outputs(happened)["text"] == "It is 6912."
    assert not any(what == "tool result" for _, what, _ in steps(happened))
    first, second = asked[1]["messages"][-2:]
    assert "was not run, since another one" in first["content"]
    assert "not JSON" in second["content"]


@AGENTS
@pytest.mark.parametrize("index", [True, False])
async def test_a_call_without_an_id_gets_one(agent: Any, index: bool) -> None:
    reply = calls(("calculator", GOOD), ("calculator", '{"expression": "1"}'), ids=False)
    if not index:
        both = [
            {"type": "function", "function": {"name": "calculator", "arguments": raw}}
            for raw in (GOOD, '{"expression": "1"}')
        ]
        reply = Reply((delta(tool_calls=both), delta("tool_calls"), usage()))
    happened, asked = await run(agent, reply, ANSWER)
    results = [text for _, what, text in steps(happened) if what == "tool result"]
    assert sorted(results) == ["1", "6912"]  # CrewAI runs them side by side
    ids = [message["tool_call_id"] for message in asked[1]["messages"] if message["role"] == "tool"]
    assert len(set(ids)) == 2
    assert all(ids)


WRITTEN = {
    "json": '{"name": "calculator", "arguments": {"expression": "1234 + 5678"}}',
    "after words": 'Let me see.\n{"name": "calculator", "parameters": {"expression": "1"}}',
    "fenced": '```json\n{"tool": "calculator", "input": {"expression": "1"}}\n```',
    "tags": '<tool_call>\n{"name": "calculator", "arguments": {"expression": "1"}}\n</tool_call>',
    "mistral": '[TOOL_CALLS][{"name": "calculator", "arguments": {"expression": "1"}}]',
    "python": 'calculator(expression="1234 + 5678")',
    "llama": '[calculator(expression="1234 + 5678")]',
    "two": '[calculator(expression="1"), calculator(expression="2")]',
    "harmony": "<|channel|>commentary to=functions.calculator <|constrain|>json"
    '<|message|>{"expression": "1"}<|call|>',
    "cut": '{"name": "calculator", "arguments": {"expression": "12',
    "openai": '{"tool_calls": [{"function": {"name": "calculator", "arguments": "{}"}}]}',
}


@AGENTS
@pytest.mark.parametrize("how", WRITTEN)
async def test_a_call_written_as_text_is_no_answer(agent: Any, how: str) -> None:
    happened, asked = await run(agent, says(WRITTEN[how]), ANSWER)
    assert outputs(happened)["text"] == "It is 6912."
    assert not any(what == "tool result" for _, what, _ in steps(happened))
    assert "written as text" in last_message(asked[1])["content"]


@pytest.mark.parametrize(
    "text",
    [
        'Use the calculator: {"name": "calculator"} is how its call begins.',
        "The calculator gives 6912.",
        '{"name": "Ada", "arguments": {}}',
        '{"result": 6912, "by": "calculator"}',
        "calculator",
        "[calculator] is its name.",
        "See [calculator](https://example.org/).",
        "",
    ],
)
def test_what_only_talks_about_a_tool_is_an_answer(text: str) -> None:
    assert written_call(text, ["calculator"]) == ""


async def test_a_model_that_never_gets_it_right_is_given_up_in_words() -> None:
    """Its last turn has no tools, as always; the raw call is shown."""
    bad = calls(("calculator", "{'a'"))
    happened, asked = await run(react, bad, bad, says("So be it."), iterations=3)
    assert outputs(happened)["text"] == "So be it."
    assert len(asked) == 3
    assert "tools" not in asked[2]
    [warning] = [text for text in warnings(happened) if "not run" in text]
    assert "calculator {'a'" in warning

    text = says(WRITTEN["json"])
    happened, asked = await run(react, bad, text, text, iterations=2)
    assert outputs(happened)["text"] == ""
    assert len(asked) == 2
    assert any("came to no answer" in text and "1234 + 5678" in text for text in warnings(happened))


async def test_a_role_that_never_gets_it_right() -> None:
    bad = calls(("calculator", "{'a'"))
    happened, asked = await run(crew, bad, bad, says("So be it."), iterations=3)
    assert outputs(happened)["text"] == "So be it."
    assert len(asked) == 3
    assert any("calculator {'a'" in text for text in warnings(happened))


@AGENTS
async def test_a_refusal_is_no_answer(agent: Any) -> None:
    found = problem((await run(agent, says(refusal=["I must not."])))[0])
    assert found.code == "model/refusal"
    assert "refused to answer: 'I must not.'" in found.message


@AGENTS
async def test_an_answer_that_was_cut_is_said_to_be(agent: Any) -> None:
    happened, _ = await run(agent, says("It is 69", reason="length"))
    assert outputs(happened)["text"] == "It is 69"
    assert any("cut in its answer at the limit of tokens" in text for text in warnings(happened))


@AGENTS
async def test_an_answer_of_nothing_but_thought(agent: Any) -> None:
    reply = says(reason="length", reasoning_content=["Hm, ", "hm."])
    happened, _ = await run(agent, reply)
    assert ("agent", "thought", "Hm, hm.") in steps(happened)
    assert any("cut in its thought" in text for text in warnings(happened))


@AGENTS
async def test_a_stream_that_broke_off_fails(agent: Any) -> None:
    half = says("It is 69", reason=None, end="silence")
    assert problem((await run(agent, half))[0]).code == "model/broke-off"


@AGENTS
async def test_tools_first_that_a_server_ignores_is_said(agent: Any) -> None:
    happened, asked = await run(agent, ANSWER, tools_first=True)
    assert outputs(happened)["text"] == "It is 6912."
    assert asked[0]["tool_choice"] == "required"
    [warning] = warnings(happened)
    assert "was to call a tool first and answered without one" in warning


async def test_in_crewais_text_format_the_raw_text_decides_too() -> None:
    head = "Thought: a sum\nAction: calculator\nAction Input: "
    good = says(head + GOOD)
    last = says("Thought: I know\nFinal Answer: It is 6912.")
    for bad in (
        says(head + '{"expression": "1234 + 56', reason="length"),
        says(head + "{'expression': '1234 + 5678'}"),
        says(head + "1234 + 5678"),
    ):
        happened, asked = await run(crew, bad, good, last, tool_format="text")
        results = [text for _, what, text in steps(happened) if what == "tool result"]
        assert results == ["6912"]
        assert "cannot be read and was not run" in last_message(asked[1])["content"]


# --- a model that chooses by a schema -------------------------------------------------------------


async def test_a_choice_that_was_cut_is_not_made_on_the_real_model() -> None:
    nodes, wires = react(ToldServer([]), iterations=2, tools_first=True)
    nodes["model"] = ("model.gguf", {"max_tokens": 9, "temperature": 0, "context": 1024})
    happened = await events(nodes, wires)
    assert steps(happened)[0][1] == "note"
    assert not any(what == "tool result" for _, what, _ in steps(happened))
    assert any("at the limit of tokens" in text for text in warnings(happened))


@pytest.mark.parametrize(
    "line",
    [
        '{"tool": "calculator", "input": ["1234 + 5678"]}',
        '{"tool": "calculator", "input": "1234 + 5678"}',
        '{"tool": "abacus", "input": {}}',
        "{'tool': 'calculator', 'input': {'expression': '1234 + 5678'}}",
        '{"tool": "calculator", "input": {"expression": "1234 + 56',
        '{"answer": "{\\"tool\\": \\"calculator\\", \\"input\\": {}}"}',
    ],
)
async def test_a_choice_that_cannot_be_read_is_told_to_the_model(line: str) -> None:
    nodes, wires = react(ToldServer([]))
    lines = [line, call("calculator", expression="1234 + 5678"), answer("It is 6912.")]
    nodes["model"] = ("test.scripted", {"name": "m", "lines": lines})
    happened = await events(nodes, wires)
    assert outputs(happened)["text"] == "It is 6912."
    results = [text for _, what, text in steps(happened) if what == "tool result"]
    assert results == ["6912"]
    assert "cannot be read and was not run" in ASKED["m"][1][-1][1]


# --- reading, exactly -----------------------------------------------------------------------------

NEEDY = Function("f", "", {"type": "object", "properties": {"x": {}}, "required": ["x"]})
FREE = Function("f", "", {"type": "object", "properties": {}})


@pytest.mark.parametrize("raw", ["", " ", "null", "{}"])
def test_a_tool_that_needs_nothing_needs_no_arguments(raw: str) -> None:
    assert arguments_of(raw, FREE) == {}


@pytest.mark.parametrize(
    ("raw", "words"),
    [("", "missing"), ("null", "null, not"), ("[1]", "a list"), ("7", "a number"),
     ("x", "not JSON"), ('"x"', "not JSON"), ("true", "a truth value"),
     ('{"x": 1, "x": 2}', '"x" stands more than once'),
     ('{"x": {"a": 1, "a": 1}}', '"a" stands more than once'),
     (r'"{\"x\": 1, \"x\": 2}"', '"x" stands more than once'),
     (r'{"x": "1\ud800"}', "half a character"), (r'{"\udc00": 1}', "half a character"),
     pytest.param("[" * 100_000, "nested too deep", id="deep")],
)  # fmt: skip
def test_arguments_that_are_none(raw: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        arguments_of(raw, NEEDY)


@AGENTS
@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("{}", "expression: it is missing"),
        ('{"expression": 7}', "expression: Input should be a valid string"),
        ('{"expression": null}', "expression: Input should be a valid string"),
        ('{"expression": ["1 + 1"]}', "expression: Input should be a valid string"),
    ],
)
async def test_arguments_that_do_not_fit_are_told_in_a_line(
    agent: Any, raw: str, words: str
) -> None:
    happened, asked = await run(agent, calls(("calculator", raw)), ANSWER)
    assert outputs(happened)["text"] == "It is 6912."
    given = last_message(asked[1])["content"]
    assert given.startswith(f"Error: these arguments do not fit: {words}.")
    assert "pydantic" not in given
    assert "validation" not in given
