"""A crew in a flow, and the same crew in a script that calls CrewAI itself.

The model answers at once, so that all that is measured is overhead: CrewAI's, and ours on top.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from bench.table import Row
from bench.timing import interleave, timed
from patchbay.flows import Run
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.runs.defaults import default_catalog
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import RunFinished
from patchbay.flows.runs.resources import Pool
from patchbay.nodes.contract import DescribingNode, Ports, port
from patchbay.nodes.values import ModelSpec, Opening

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

ROLES = ("Analyst", "Critic", "Author")
SUM = {"name": "calculator", "args": {"expression": "17 * 24"}, "id": "call_1"}
ANSWER = "It is 408."
GOAL, BACKSTORY, EXPECTED = "Be right.", "You are careful.", "A number."


def measure(quick: bool = False) -> Iterator[Row]:
    """Three roles, a task for each, a call of a tool in each task."""
    from patchbay.nodes.agents.crewai_setup import prepare

    prepare()  # the script's side is as quiet as ours: no telemetry, no network
    env = Environment(default_catalog().extended([InstantModel]), Pool())
    script = _script()
    sides = {
        "flow": lambda: timed(lambda: asyncio.run(_through_flow(env))),
        "script": lambda: timed(script),
    }
    taken = interleave(sides, 5 if quick else 15, warm=2)
    yield Row("a crew of three roles, instant model", taken["flow"], "s", 1.05, on="ratio",
              against="CrewAI from a script", other=taken["script"])  # fmt: skip
    env.pool.close()


# --- in a flow -----------------------------------------------------------------------------------


class Instant(ModelSpec):
    """Calls the calculator, then answers; in no time."""

    backend: ClassVar[str] = "instant"

    def open(self, opening: Opening) -> BaseChatModel:
        """The model."""
        return _instant()


def _instant() -> BaseChatModel:
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, ChatResult

    class Model(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "instant"

        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            return self

        def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
            called = any(message.type == "tool" for message in messages)
            said = AIMessage(ANSWER) if called else AIMessage("", tool_calls=[SUM])
            return ChatResult(generations=[ChatGeneration(message=said)])

        async def _agenerate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
            return self._generate(messages)

    return Model()


class InstantModel(DescribingNode):
    """Describes the instant model."""

    kind, title, family = "bench.instant", "Instant model", "Bench"

    class Outputs(Ports):
        model: Instant = port(doc="The model.")

    @classmethod
    def describe(cls, params: Any, inputs: Ports) -> Outputs:
        """Describe it."""
        return cls.Outputs(model=Instant())


def _flow() -> Flow:
    nodes = [
        NodeInstance(id="model", kind="bench.instant"),
        NodeInstance(id="sums", kind="tool.calculator"),
        NodeInstance(id="crew", kind="agent.crew"),
        NodeInstance(id="out", kind="io.output"),
    ]
    edges = [Edge(source="crew.text", target="out.value")]
    for role in ROLES:
        who = {"role": role, "goal": GOAL, "backstory": BACKSTORY}
        what = {"description": f"{role}, work out 17 * 24.", "expected": EXPECTED}
        nodes += [
            NodeInstance(id=role, kind="agent.role", params=who),
            NodeInstance(id=f"{role}-task", kind="agent.task", params=what),
        ]
        edges += [
            Edge(source="model.model", target=f"{role}.model"),
            Edge(source="sums.tool", target=f"{role}.tools"),
            Edge(source=f"{role}.agent", target=f"{role}-task.agent"),
            Edge(source=f"{role}-task.task", target="crew.tasks"),
        ]
    return Flow(name="crew", nodes=tuple(nodes), edges=tuple(edges))


async def _through_flow(env: Environment) -> None:
    async for event in Run(_flow(), {}, env).events():
        last = event
    if not isinstance(last, RunFinished) or last.outputs != {"answer": ANSWER}:
        raise RuntimeError(f"the run ended with {last}")


# --- from a script -------------------------------------------------------------------------------


def _script() -> Callable[[], None]:
    """A script as one would write it, with its classes made once."""
    from crewai import Agent, BaseLLM, Crew, Task
    from crewai.tools import BaseTool

    from patchbay.nodes.tools.arithmetic import calculate

    class Model(BaseLLM):
        def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            if any(message["role"] == "tool" for message in messages):
                return ANSWER
            function = {"name": SUM["name"], "arguments": json.dumps(SUM["args"])}
            return [{"id": SUM["id"], "type": "function", "function": function}]

        def supports_function_calling(self) -> bool:
            return True

        def get_input_tokens_count(self, *args: Any, **kwargs: Any) -> int:
            return 100  # without it, CrewAI writes a line to stderr for each call

    class Calculator(BaseTool):
        name: str = "calculator"
        description: str = "Calculates an arithmetic expression."

        def _run(self, expression: str) -> str:
            return calculate(expression)

    def run() -> None:
        llm, tool = Model(model="instant"), Calculator()
        agents = [
            Agent(role=role, goal=GOAL, backstory=BACKSTORY, llm=llm, tools=[tool],
                  allow_delegation=False, max_iter=8, verbose=False)
            for role in ROLES
        ]  # fmt: skip
        tasks = [
            Task(description=f"{agent.role}, work out 17 * 24.", expected_output=EXPECTED,
                 agent=agent, context=[])
            for agent in agents
        ]  # fmt: skip
        answer = Crew(agents=agents, tasks=tasks, verbose=False, tracing=False).kickoff().raw
        if answer != ANSWER:
            raise RuntimeError(f"the crew answered {answer!r}")

    return run
