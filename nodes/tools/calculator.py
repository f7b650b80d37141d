"""The node `tool.calculator`: arithmetic for agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.tools.arithmetic import calculate
from patchbay.nodes.tools.tool import LocalTool, ToolName, langchain_tool
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


class CalculatorTool(LocalTool):
    """Calculates; see `nodes/tools/arithmetic.py` for what."""

    backend: ClassVar[str] = "calculator"

    def open(self, opening: Opening) -> BaseTool:
        """The tool; it takes one `expression`."""

        async def run(expression: str) -> str:  # bounded, so that it needs no thread of its own
            return calculate(expression)

        about = "An arithmetic expression, such as (17 + 4) * 3"
        return langchain_tool(self, run, {"expression": (str, about)})


class Calculator(DescribingNode):
    """Let an agent calculate, instead of guessing what 17 times 24 is.

    Understands numbers, + - * / // % **, parentheses and functions such as sqrt, log or round.
    Nothing is ever evaluated as code, and results too large to be useful are refused.
    """

    kind, version = "tool.calculator", 1
    title, family, icon = "Calculator", "Tools", "calculator"
    synonyms = ("math", "arithmetic", "compute", "sum")

    class Params(NodeParams):
        name: ToolName = Field("calculator")
        """What the agent calls it."""
        description: str = Field(
            "Calculates an arithmetic expression.", min_length=1, max_length=2000, widget="textarea"
        )
        """What the agent is told that it is for."""

    class Outputs(Ports):
        tool: CalculatorTool = port(doc="The tool, for an agent.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The name that the agent sees."""
        return params.name

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tool."""
        return cls.Outputs(tool=CalculatorTool(name=params.name, description=params.description))
