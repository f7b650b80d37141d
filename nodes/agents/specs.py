"""What agents and tasks are on a wire: descriptions, nothing that runs."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from patchbay.nodes.agents.meter import Limits
from patchbay.nodes.ports import UNSET
from patchbay.nodes.questions import ApprovalWanted, Question
from patchbay.nodes.values import AgentSpec, ModelSpec, TaskSpec, ToolSpec

MOST_WORDS = 80
"""Characters of a task that the question about its result quotes."""


class RoleAgent(AgentSpec):
    """Somebody in a crew.

    `text_tools` has tools described in CrewAI's own text format; with `tools_first` a tool must be
    called before there may be an answer.
    """

    backend: ClassVar[str] = "role"

    role: str
    goal: str
    backstory: str
    model: ModelSpec
    tools: tuple[ToolSpec, ...] = ()
    delegation: bool = False
    iterations: int = Field(8, ge=1)
    limits: Limits = Limits()
    text_tools: bool = False
    tools_first: bool = False


class Review(BaseModel):
    """A person looks at the result of a task before it counts.

    Args:
        whom: whom it is for, in words.
        within_hours: hours until it is too late; None: it waits as long as it takes.
        when_late: what then becomes of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    whom: str = ""
    within_hours: float | None = None
    when_late: Literal["fail", "accept"] = "fail"

    def question(self, who: str, task: str, result: str) -> Question:
        """What the person is asked about what somebody did."""
        words = " ".join(task.split())
        short = words if len(words) <= MOST_WORDS else words[: MOST_WORDS - 1] + "…"
        default: Any = True if self.when_late == "accept" else UNSET
        return Question(
            f"Is this right? {who} did: {short}",
            ApprovalWanted(),
            result,
            whom=self.whom,
            within_s=None if self.within_hours is None else self.within_hours * 3600,
            default=default,
        )


class CrewTask(TaskSpec):
    """One task of a crew. Without an `agent`, the manager of a hierarchical crew decides.

    `context` are tasks whose results this one reads; they are done first. With a `review` a person
    has to accept the result.
    """

    backend: ClassVar[str] = "task"

    description: str
    expected: str
    agent: AgentSpec | None = None
    context: tuple[TaskSpec, ...] = ()
    output_schema: dict[str, JsonValue] | None = None
    review: Review | None = None


class CrewAgent(AgentSpec):
    """A crew that a deep agent gives tasks to, as to one of its sub-agents.

    What it is given is told to each of its tasks. With a `manager` it is hierarchical.
    """

    backend: ClassVar[str] = "crew"

    name: str
    description: str
    tasks: tuple[TaskSpec, ...]
    agents: tuple[AgentSpec, ...] = ()
    manager: ModelSpec | None = None
    manager_iterations: int = Field(10, ge=1)


def is_repeatable(model: ModelSpec, tools: tuple[ToolSpec, ...] = ()) -> bool:
    """Whether an agent with this model and these tools does the same again."""
    return model.repeats() and all(getattr(tool, "repeatable", False) for tool in tools)
