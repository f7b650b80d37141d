"""The node `agent.task`: something for a crew to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from patchbay.nodes.agents.filling import check_text, filled, with_variables
from patchbay.nodes.agents.specs import CrewTask, Review, RoleAgent
from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.models.doubts import schema_doubts
from patchbay.nodes.models.schema import SchemaOrNone
from patchbay.nodes.values import AgentSpec, TaskSpec

_OWN = ("agent", "context")


def _check_description(text: str) -> str:
    return check_text(text, _OWN, "task")


class Task(DescribingNode):
    """Describe a task: what is to be done, what is expected, and who does it.

    Every `{name}` in the description becomes an input, and with `fill` those of what is expected,
    too. Tasks wired into `context` are done first,
    and their results are part of this task. With a schema the result must be JSON of that shape.
    With `human_input` a person reads the result before it counts: what they reject is done again
    with what they said about it. The run waits meanwhile.
    """

    kind, version = "agent.task", 1
    title, family, icon = "Task", "Agents", "task"
    front = ("description", "expected")
    variables_of = "description"
    synonyms = ("crewai", "job", "goal", "assignment", "human input", "human in the loop")
    requires = ("crewai",)

    class Params(NodeParams):
        description: Annotated[str, AfterValidator(_check_description)] = Field(
            "Find out: {question}", min_length=1, max_length=100_000, widget="textarea"
        )
        """What is to be done, with {variables}."""
        expected: str = Field("A short answer.", min_length=1, max_length=20_000, widget="textarea")
        """What the result should be like."""
        fill: bool = Field(False)
        """Whether `{names}` in what is expected are variables, too."""
        output_schema: SchemaOrNone = Field(None, widget="json")
        """A JSON schema that the result must follow."""
        human_input: bool = Field(False)
        """Whether a person has to accept the result; what they find wrong is told to the agent."""
        whom: str = Field("", max_length=200)
        """For `human_input`: whom it is for, in words."""
        within_hours: float | None = Field(None, gt=0, le=24 * 366)
        """For `human_input`: hours until it is too late. Empty: it waits as long as it takes."""
        when_late: Literal["fail", "accept"] = Field("fail")
        """For `human_input`: what happens when nobody answers in time."""

        @model_validator(mode="after")
        def _is_template(self) -> Self:
            if self.fill:
                check_text(self.expected, _OWN, "task")
            return self

    class Inputs(Ports):
        agent: AgentSpec | None = port(
            None, doc="Who does it. Unwired: the manager of a hierarchical crew decides."
        )
        context: list[TaskSpec] = port((), doc="Tasks whose results this one reads.")

    class Outputs(Ports):
        task: CrewTask = port(doc="The task, for a crew or as context of another.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """The agent, the context, and a port for each variable."""
        texts = (params.description, params.expected if params.fill else "")
        return with_variables(cls.Inputs, *texts)

    @classmethod
    def asks(cls, params: Params) -> bool:
        """Where a person has to accept the result."""
        return params.human_input

    @classmethod
    def summary(cls, params: Params) -> str:
        """The first line of the description."""
        return next((line.strip() for line in params.description.splitlines() if line.strip()), "")

    @classmethod
    def doubts(cls, params: Params, inputs: Ports) -> Sequence[str]:
        """What of its schema the model of its agent cannot be held to while it writes."""
        agent = inputs.as_dict().get("agent")
        if not isinstance(agent, RoleAgent) or agent.text_tools:
            return ()
        return schema_doubts(agent.model, params.output_schema)

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the task.

        Raises:
            NodeError: nothing arrived for a variable.
        """
        values = inputs.as_dict()
        wanted = filled(params.expected, values, "task") if params.fill else params.expected
        return cls.Outputs(
            task=CrewTask(
                description=filled(params.description, values, "task"),
                expected=wanted,
                agent=values.get("agent"),
                context=tuple(values.get("context") or ()),
                output_schema=params.output_schema,
                review=_review(params),
            )
        )


def _review(params: Task.Params) -> Review | None:
    if not params.human_input:
        return None
    return Review(whom=params.whom, within_hours=params.within_hours, when_late=params.when_late)
