"""The node `agent.role`: somebody who works in a crew."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from patchbay.nodes.agents.filling import check_text, filled, with_variables
from patchbay.nodes.agents.meter import Limits
from patchbay.nodes.agents.specs import RoleAgent
from patchbay.nodes.agents.toolbox import check_names
from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.values import ModelSpec, ToolSpec

_OWN = ("model", "tools")


class Role(DescribingNode):
    """Describe a role: who it is, what it wants, the model it thinks with, the tools it may use.

    Gives a description for tasks; nothing runs before a crew does. With `fill` every `{name}` in
    its role, goal and backstory becomes an input, as in the description of a task. What is used up
    beyond a limit ends the role's work cleanly: its last words are its result, and the crew goes
    on.
    """

    kind, version = "agent.role", 1
    title, family, icon = "Role agent", "Agents", "person"
    front = ("role", "goal")
    synonyms = ("crewai", "agent", "worker", "persona", "team")
    named_by = "role"
    requires = ("crewai",)

    class Params(NodeParams):
        role: str = Field("Researcher", min_length=1, max_length=200)
        """Who it is, in a word or two. It is named so in the steps and in the table of usage."""
        goal: str = Field(
            "Find out what is asked, and say it briefly.",
            min_length=1,
            max_length=10_000,
            widget="textarea",
        )
        """What it wants to reach."""
        backstory: str = Field(
            "You are careful and only state what you know.", max_length=20_000, widget="textarea"
        )
        """What else it is told about itself."""
        fill: bool = Field(False)
        """Whether `{names}` in role, goal and backstory are variables, each with an input."""
        delegation: bool = Field(False)
        """Whether it may hand work to the others, and ask them."""
        iterations: int = Field(8, ge=1, le=100)
        """Turns with the model before it must give its answer."""
        max_tokens: int | None = Field(None, ge=1, le=100_000_000)
        """Tokens, read and written, that it may use in a crew's run. Empty: no limit."""
        max_seconds: float | None = Field(None, gt=0, le=86_400)
        """Seconds of thinking and of tools that it may use. Empty: no limit."""
        max_tool_calls: int | None = Field(None, ge=0, le=10_000)
        """Calls of tools that it may make. Empty: no limit."""
        tools_first: bool = Field(False)
        """Whether it has to call a tool before it may answer; small models otherwise guess."""
        tool_format: Literal["calls", "text"] = Field("calls")
        """`calls` uses the model's own tool calls, or a JSON schema for models without; `text` is
        CrewAI's text format, for models that can be held to no schema."""

        @model_validator(mode="after")
        def _are_templates(self) -> Self:
            for text in self.texts():
                check_text(text, _OWN, "role")
            return self

        def texts(self) -> tuple[str, ...]:
            """The texts whose variables are inputs."""
            return (self.role, self.goal, self.backstory) if self.fill else ()

    class Inputs(Ports):
        model: ModelSpec = port(doc="The model that it thinks with.")
        tools: list[ToolSpec] = port((), doc="The tools that it may use.")

    class Outputs(Ports):
        agent: RoleAgent = port(doc="The agent, for tasks.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """The model, the tools, and a port for each variable."""
        return with_variables(cls.Inputs, *params.texts())

    @classmethod
    def summary(cls, params: Params) -> str:
        """What it wants; who it is, is its title."""
        return params.goal

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the agent.

        Raises:
            NodeError: two tools have one name, or nothing arrived for a variable.
        """
        check_names(inputs["tools"])
        values = inputs.as_dict()

        def told(text: str) -> str:
            return filled(text, values, "role") if params.fill else text

        return cls.Outputs(
            agent=RoleAgent(
                role=told(params.role),
                goal=told(params.goal),
                backstory=told(params.backstory),
                model=inputs["model"],
                tools=tuple(inputs["tools"]),
                delegation=params.delegation,
                iterations=params.iterations,
                limits=Limits(
                    tokens=params.max_tokens,
                    seconds=params.max_seconds,
                    tool_calls=params.max_tool_calls,
                ),
                tools_first=params.tools_first,
                text_tools=params.tool_format == "text",
            )
        )
