"""The node `tool.clock`: the date and the time for agents."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator

from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.tools.tool import LocalTool, ToolName, langchain_tool
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


def _check_zone(zone: str) -> str:
    _zone(zone)
    return zone


def _zone(name: str) -> datetime.tzinfo:
    if name == "UTC":
        return datetime.UTC
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"{name[:80]!r} is not a time zone; use one such as UTC or Europe/Copenhagen"
        ) from error


Zone = Annotated[str, AfterValidator(_check_zone)]


class ClockTool(LocalTool):
    """Tells the time in a time zone."""

    backend: ClassVar[str] = "clock"
    replay: ClassVar[bool] = False

    zone: Zone = "UTC"

    @property
    def repeatable(self) -> bool:
        """Never: the clock goes on."""
        return False

    def open(self, opening: Opening) -> BaseTool:
        """The tool; it takes nothing."""
        zone = _zone(self.zone)

        async def now() -> str:
            return datetime.datetime.now(zone).strftime("%A, %Y-%m-%d %H:%M:%S %Z")

        return langchain_tool(self, now, {})


class Clock(DescribingNode):
    """Let an agent look at the clock; a model does not know what day it is."""

    kind, version = "tool.clock", 1
    title, family, icon = "Clock", "Tools", "clock"
    synonyms = ("time", "date", "now", "today", "datetime")

    class Params(NodeParams):
        name: ToolName = Field("clock")
        """What the agent calls it."""
        description: str = Field(
            "Tells the current date, weekday and time.",
            min_length=1,
            max_length=2000,
            widget="textarea",
        )
        """What the agent is told that it is for."""
        zone: Zone = Field("UTC", max_length=100)
        """The time zone, such as UTC or Europe/Copenhagen."""

    class Outputs(Ports):
        tool: ClockTool = port(doc="The tool, for an agent.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The time zone."""
        return params.zone

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tool."""
        return cls.Outputs(tool=ClockTool(**params.model_dump()))
