"""Before which of its own tools a deep agent asks: `interrupt_on` of deepagents, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from patchbay.nodes.tools.ask_first import Pattern, When, WhenLate, check_when

OwnTool = Literal[
    "write_file", "edit_file", "delete", "read_file", "ls", "glob", "grep", "task", "write_todos"
]
"""The tools that deepagents brings: files, sub-agents, the plan."""


class InterruptOn(BaseModel):
    """One of the agent's own tools, and when a person decides about its calls.

    The decisions are LangChain's four: approve, edit the arguments, reject, respond.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: OwnTool = "write_file"
    """The tool."""
    when: When = "always"
    """When a person is asked."""
    argument: str = Field("", max_length=200)
    """For `an argument matches`: which one, such as `file_path`. Empty: any of them."""
    pattern: Pattern = Field("", max_length=1000)
    """For `an argument matches`: a regular expression that is looked for in it."""
    whom: str = Field("", max_length=200)
    """Whom it is for, in words."""
    within_hours: float | None = Field(None, gt=0, le=24 * 366)
    """Hours until it is too late. Empty: it waits as long as it takes."""
    when_late: WhenLate = "fail"
    """What happens when nobody decides in time."""

    @property
    def question(self) -> str:
        """Always the one that names the tool."""
        return ""

    @model_validator(mode="after")
    def _makes_sense(self) -> InterruptOn:
        check_when(self.when, self.pattern)
        return self


def check_once(rows: Sequence[InterruptOn]) -> Sequence[InterruptOn]:
    """Each tool is named once. Raises `ValueError` where one is named twice."""
    names = [row.tool for row in rows]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise ValueError(f'"{twice}" is named twice; one row says when a person is asked about it')
    return rows


def by_tool(rows: Sequence[InterruptOn]) -> Mapping[str, InterruptOn]:
    """The policies by the name of their tool."""
    return {row.tool: row for row in rows}
