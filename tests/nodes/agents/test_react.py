"""ReAct, exactly: on scripted models, through the real engine and LangChain's agent."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, ClassVar

import pytest

from patchbay.flows.runs.events import NodeStarted, RunCancelled
from patchbay.flows.runs.running import Run
from patchbay.nodes.agents.staff import hire
from patchbay.nodes.contract import DescribingNode, Ports
from patchbay.nodes.models.servers.openai.spec import OpenAiModel
from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.tools.tool import BoundTool, langchain_tool
from patchbay.nodes.values import ModelSpec, Opening
from tests.flows.runs import harness
from tests.nodes.agents.conftest import environment, events, outputs, problem, steps, warnings
from tests.nodes.agents.scripted import ASKED, HELD, ScriptedModel, answer, call

PATIENCE_S = 240.0
"""Far more than anything here takes, on a machine that does other things too."""
WIRES = [
    "model.model > agent.model",
    "question.text > agent.prompt",
    "agent.text > text.value",
    "agent.usage > usage.value",
]
SUM = call("calculator", expression="1234 + 5678")


def flow(lines: list[str], tool: Any = "tool.calculator", **params: Any) -> dict[str, Any]:
    model = {"name": "m", "lines": lines, **params.pop("model", {})}
    return {
        "model": ("test.scripted", model),
        "question": ("test.text", {"text": "What is 1234 + 5678?"}),
        "tool": tool,
        "agent": ("agent.react", params),
        "text": ("io.output", {"name": "text"}),
        "usage": ("io.output", {"name": "usage"}),
    }


async def react(lines: list[str], tool: Any = "tool.calculator", **params: Any) -> list[Any]:
    return await events(flow(lines, tool, **params), [*WIRES, "tool.tool > agent.tools"])


@pytest.mark.parametrize("native", [False, True])
async def test_it_calls_a_tool_and_answers(native: bool):
    last = "It is 6912." if native else answer("It is 6912.")
    happened = await react([SUM, last], model={"native": native})
    assert steps(happened) == [
        ("agent", "tool call", '{"expression": "1234 + 5678"}'),
        ("agent", "tool result", "6912"),
        ("agent", "answer", "It is 6912."),
    ]
    given = outputs(happened)
    assert given["text"] == "It is 6912."
    assert given["usage"].rows[0][:5] == ("agent", 2, 1, 20, 10)
    assert warnings(happened) == []


async def test_a_model_without_tool_calls_is_told_how_to_choose():
    await react([SUM, answer("It is 6912.")], system="You are exact.")
    first, second = ASKED["m"]
    assert first[0][0] == "system"
    assert first[0][1].startswith("You are exact.\n\nYou can use these tools:\n- calculator: ")
    assert second[2:] == [("ai", SUM), ("human", "The calculator gives: 6912")]


async def test_a_wire_into_system_takes_the_place_of_the_param():
    nodes = {**flow(["Plainly."], system="Be long."), "who": ("test.text", {"text": "Be brief."})}
    await events(nodes, [*WIRES, "who.text > agent.system"])
    assert ASKED["m"] == [[("system", "Be brief."), ("human", "What is 1234 + 5678?")]]


async def test_without_tools_it_just_answers():
    happened = await events(flow(["Plainly."]), WIRES)
    assert outputs(happened)["text"] == "Plainly."
    assert steps(happened) == [("agent", "answer", "Plainly.")]
    assert ASKED["m"] == [[("human", "What is 1234 + 5678?")]]


async def test_a_model_that_asks_the_same_again_has_to_answer():
    happened = await react([SUM, SUM, "6912, then."])
    assert outputs(happened)["text"] == "6912, then."
    assert ASKED["m"][-1][-1] == (
        "human",
        "What is 1234 + 5678?\n\nThe calculator gives: 6912\n\nSo the answer is:",
    )


async def test_an_agent_that_loops_has_to_answer_at_the_limit():
    lines = [call("calculator", expression=f"{n} + 1") for n in range(50)]
    happened = await react([*lines[:3], "That is all."], iterations=4)
    assert outputs(happened)["text"] == "That is all."
    assert outputs(happened)["usage"].rows[0][1:3] == (4, 3)
    assert warnings(happened) == ["The agent came to the limit of 4 turns and had to answer."]


async def test_one_that_never_ends_is_ended():
    happened = await react([call("calculator", expression="1")], iterations=1)
    assert outputs(happened)["usage"].rows[0][1] == 1


@pytest.mark.parametrize(
    ("line", "observed"),
    [
        (call("calculator", expression="12 eggs"), "is not an arithmetic"),
        (
            call("calculator", wrong="1"),
            "Error: these arguments do not fit: expression: it is missing",
        ),
        (
            call("calculator", expression="2 / 3", digits=2),
            "Error: these arguments do not fit: digits: the tool has no such argument",
        ),
    ],
)
async def test_bad_arguments_are_told_to_the_model(line: str, observed: str):
    happened = await react([line, answer("So be it.")])
    assert outputs(happened)["text"] == "So be it."
    assert observed in ASKED["m"][1][-1][1]


async def test_a_tool_that_is_not_there():
    happened = await react([call("other", x="1"), "Fine."], model={"native": True})
    assert outputs(happened)["text"] == "Fine."
    assert "other is not a valid tool" in ASKED["m"][1][-1][1]


@pytest.mark.parametrize(
    ("habit", "observed"),
    [
        ("raises", "Error: the tool broke"),
        ("hangs", "Error: odd did not answer within 0.3 s and was stopped."),
        ("spins", "Error: odd did not answer within 0.3 s and was stopped."),
    ],
)
async def test_a_tool_that_misbehaves(habit: str, observed: str):
    import threading

    before = set(threading.enumerate())
    odd = ("test.odd_tool", {"habit": habit})
    happened = await react([call("odd", text="go"), answer("Without it, then.")], tool=odd)
    assert outputs(happened)["text"] == "Without it, then."
    assert ("agent", "tool result", observed) in steps(happened)
    async with asyncio.timeout(PATIENCE_S):  # the tool's thread ends, however busy the machine is
        while any("patchbay-" in t.name for t in set(threading.enumerate()) - before):
            await asyncio.sleep(0.05)


async def test_a_model_may_be_made_to_call_a_tool_first():
    """Then there is no choice but that of the tool in what the first answer is held to."""
    happened = await react([SUM, answer("6912")], tools_first=True)
    assert outputs(happened)["text"] == "6912"
    [first, second] = HELD["m"]
    assert [set(choice["properties"]) for choice in first["anyOf"]] == [{"tool", "input"}]
    assert [set(choice["properties"]) for choice in second["anyOf"]] == [
        {"tool", "input"},
        {"answer"},
    ]


class StandIns(ModelSpec):
    """A model made of others, as a fallback is."""

    backend: ClassVar[str] = "stand-ins"

    models: tuple[ModelSpec, ...]

    def open(self, opening: Opening) -> Any:
        return opening.open(self.models[0])


async def test_a_model_made_of_others_is_held_to_a_schema():
    """One of them may not call tools, and it is not known before which one answers."""
    native = ScriptedModel(name="n", lines=("x",), native=True)
    async with AsyncExitStack() as stack:
        alone = await hire(RecordingContext(), stack, who="a", model=native)
        among = await hire(RecordingContext(), stack, who="a", model=StandIns(models=(native,)))
    assert (alone.caller.native, among.caller.native) == (True, False)


# --- budgets -------------------------------------------------------------------------------------


async def test_a_budget_of_calls_leaves_an_answer():
    lines = [call("calculator", expression=f"{n} + 1") for n in range(3)]
    happened = await react([*lines[:2], "Enough."], max_tool_calls=2)
    assert outputs(happened)["text"] == "Enough."
    assert outputs(happened)["usage"].rows[0][2] == 2


async def test_a_budget_of_tokens_ends_with_the_last_words():
    thinks = '{"thought": "First a sum.", "tool": "calculator", "input": {"expression": "1"}}'
    happened = await react([thinks, answer("never said")], max_tokens=12)
    assert outputs(happened)["text"] == "First a sum."
    assert warnings(happened) == ["The agent stopped early: the 12 tokens of agent are spent."]


async def test_a_budget_of_time_cuts_a_model_short():
    happened = await react(["late"], model={"delay_s": 30}, max_seconds=0.2)
    found = problem(happened)
    assert found.code == "agent/budget"
    assert "0.2 s of agent were spent before any answer" in found.message


async def test_a_model_that_fails():
    assert "the provider is down" in problem(await react(["(fails)"])).message


async def test_an_empty_prompt():
    nodes = flow(["x"]) | {"question": ("test.text", {"text": " "})}
    assert problem(await events(nodes, WIRES)).code == "model/empty-prompt"


async def test_cancelling_stops_it_while_the_model_thinks():
    document = harness.flow(flow(["late"], model={"delay_s": 600}), WIRES)
    run = Run(document, {}, environment(), ())
    happened = []
    async with asyncio.timeout(PATIENCE_S):
        async for event in run.events():
            happened.append(event)
            if isinstance(event, NodeStarted) and event.node == "agent":
                await asyncio.sleep(0.2)
                run.cancel()
    assert isinstance(happened[-1], RunCancelled)


async def test_a_server_without_tool_calls_is_held_to_a_schema() -> None:
    found = []
    for tools_as in ("calls", "schema"):
        model = OpenAiModel(base_url="http://127.0.0.1:9/v1", model="m", tools_as=tools_as)
        async with AsyncExitStack() as stack:
            worker = await hire(RecordingContext(), stack, who="a", model=model)
            found.append(worker.caller.native)
    assert found == [True, False]


class Told(BoundTool):
    """Repeats what it is called with."""

    backend: ClassVar[str] = "told"

    def bind(self, ctx: Any) -> Any:
        """The tool."""

        async def use(**given: Any) -> str:
            return str(given)

        return langchain_tool(self, use, {"config": (str, "c"), "self": (str, "s")})


class TellsTool(DescribingNode):
    """Gives the tool."""

    kind, title, family = "test.tells_tool", "Told", "Test"

    class Outputs(Ports):
        tool: Told

    @classmethod
    def describe(cls, params: Any, inputs: Any) -> Outputs:
        """The tool."""
        return cls.Outputs(tool=Told(name="told", description="Repeats."))


@pytest.mark.parametrize("native", [False, True])
async def test_no_name_of_an_argument_is_lost(native: bool):
    script = [call("told", config="a", self="b"), "Done." if native else answer("Done.")]
    nodes = flow(script, "test.tells_tool", model={"native": native})
    document = harness.flow(nodes, [*WIRES, "tool.tool > agent.tools"])
    env = environment(catalog=environment().catalog.extended([TellsTool]))
    happened = await harness.events_of(document, {}, env)
    said = [text for _, what, text in steps(happened) if what == "tool result"]
    assert said == ["{'config': 'a', 'self': 'b'}"]
