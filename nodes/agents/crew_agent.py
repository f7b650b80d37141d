"""The node `agent.crew_agent`: a crew that a deep agent gives tasks to."""

from __future__ import annotations

from typing import Literal

from patchbay.nodes.agents.plan import make_plan
from patchbay.nodes.agents.specs import CrewAgent
from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.tools.tool import ToolName
from patchbay.nodes.values import AgentSpec, ModelSpec, TaskSpec


class CrewAsAgent(DescribingNode):
    """Let a deep agent give tasks to a crew, as it does to its other sub-agents.

    Nothing runs before it is given something to do. Each of its tasks is then told what that is,
    and the deep agent gets the result of the last one.
    """

    kind, version = "agent.crew_agent", 1
    title, family, icon = "Crew as an agent", "Agents", "people"
    synonyms = ("crewai", "sub-agent", "subagent", "team", "supervisor", "delegate", "deepagents")
    requires = ("crewai",)

    class Params(NodeParams):
        name: ToolName = Field("crew")
        """What the deep agent calls it."""
        description: str = Field(
            "Works out what it is asked.", min_length=1, max_length=2000, widget="textarea"
        )
        """What the deep agent is told that it is for."""
        process: Literal["sequential", "hierarchical"] = Field("sequential")
        """`sequential`: every task by its own agent. `hierarchical`: a manager decides who."""
        manager_iterations: int = Field(10, ge=1, le=100)
        """Turns that the manager of a hierarchical crew has for a task."""

    class Inputs(Ports):
        tasks: list[TaskSpec] = port(doc="What the crew does, in the order of the wires.")
        agents: list[AgentSpec] = port((), doc="Roles that have no task of their own.")

    class Outputs(Ports):
        agent: CrewAgent = port(doc="The crew, for a deep agent.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """The tasks, and the manager's model where there is one."""
        if params.process != "hierarchical":
            return cls.Inputs
        about = port(doc="The model that the manager thinks with.")
        return cls.Inputs.plus({"manager": (ModelSpec, about)})

    @classmethod
    def summary(cls, params: Params) -> str:
        """What it is called, and how it works."""
        return f"{params.name} · {params.process}"

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the crew.

        Raises:
            NodeError: nobody does a task, or two roles have one name.
        """
        values = inputs.as_dict()
        manager = values.get("manager")
        make_plan(values["tasks"], values["agents"], managed=manager is not None)
        return cls.Outputs(
            agent=CrewAgent(
                name=params.name,
                description=params.description,
                tasks=tuple(values["tasks"]),
                agents=tuple(values["agents"]),
                manager=manager,
                manager_iterations=params.manager_iterations,
            )
        )
