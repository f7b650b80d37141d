"""What agents and tasks are on a wire: descriptions, nothing that runs."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, JsonValue

from patchbay.nodes.agents.meter import Limits
from patchbay.nodes.values import AgentSpec, ModelSpec, TaskSpec, ToolSpec


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


class CrewTask(TaskSpec):
    """One task of a crew. Without an `agent`, the manager of a hierarchical crew decides.

    `context` are tasks whose results this one reads; they are done first.
    """

    backend: ClassVar[str] = "task"

    description: str
    expected: str
    agent: AgentSpec | None = None
    context: tuple[TaskSpec, ...] = ()
    output_schema: dict[str, JsonValue] | None = None


def is_repeatable(model: ModelSpec, tools: tuple[ToolSpec, ...] = ()) -> bool:
    """Whether an agent with this model and these tools does the same again."""
    return model.repeats() and all(getattr(tool, "repeatable", False) for tool in tools)
