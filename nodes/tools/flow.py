"""The node `tool.flow`: a saved flow as a tool for agents."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, ClassVar

from patchbay.nodes.context import lane_at_hand
from patchbay.nodes.contract import (
    Context,
    DescribingNode,
    Field,
    NodeError,
    NodeParams,
    Ports,
    SubflowUse,
    port,
)
from patchbay.nodes.names import FlowName, Name
from patchbay.nodes.tools.asked import fields_of, read, schema_of
from patchbay.nodes.tools.tool import BoundTool, ToolName, shortened
from patchbay.nodes.values import as_text

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


class FlowTool(BoundTool):
    """Runs another saved flow; `inputs` names those of its inputs that the model fills."""

    backend: ClassVar[str] = "flow"

    flow: str
    inputs: tuple[str, ...]
    output: str

    @property
    def repeatable(self) -> bool:
        """Not known here: the flow may have been edited."""
        return False

    def bind(self, ctx: Context) -> BaseTool:
        """The tool inside a run, which is what runs the flow.

        Raises:
            NodeError: the flow is broken, or asks for what no model can give.
        """
        calls = itertools.count(1)
        fields = fields_of(self.inputs, ctx.flow_asks(self.flow), self.flow)

        async def run(**given: Any) -> str:
            values = read(fields, given)
            # Calls side by side may change places when a recorded run goes on, lanes do not.
            label = lane_at_hand() if ctx.recorded else f"{self.name}-{next(calls)}"
            outputs = await ctx.run_flow(self.flow, values, label=label)
            if self.output not in outputs:
                raise NodeError(
                    f'The flow "{self.flow}" gave no output "{self.output}".',
                    code="flow/no-output",
                )
            return shortened(as_text(outputs[self.output]))

        from patchbay.nodes.tools.any_arguments import AnyArguments

        return AnyArguments(
            name=self.name,
            description=self.description,
            args_schema=schema_of(fields),
            coroutine=run,
        )


class FlowAsTool(DescribingNode):
    """Let an agent run another saved flow: its inputs are the arguments, an output the result.

    The model is told what kind each input is, what it is for, and which may be left out.

    Whatever can be drawn can so be given to an agent: a question over documents, a classifier, a
    crew of its own.
    """

    kind, version = "tool.flow", 1
    title, family, icon = "Flow as a tool", "Tools", "nest"
    synonyms = ("chatflow tool", "subflow", "sub-agent", "nested", "agent as tool")

    class Params(NodeParams):
        flow: FlowName = Field("", widget="flow")
        """The flow to run: the name of a flow file beside this one."""
        name: ToolName = Field("ask_flow")
        """What the agent calls it."""
        description: str = Field(
            "Answers a question.", min_length=1, max_length=2000, widget="textarea"
        )
        """What the agent is told that it is for."""
        inputs: list[Name] = Field(["question"], max_length=20)
        """The inputs of that flow which the agent fills; the others keep their defaults."""
        output: Name = Field("answer")
        """The output of that flow which the agent gets."""
        seconds: float = Field(120, gt=0, le=3600)
        """The longest that one run may take."""

    class Outputs(Ports):
        tool: FlowTool = port(doc="The tool, for an agent.")

    @classmethod
    def subflows(cls, params: Params) -> tuple[SubflowUse, ...]:
        """The flow, with what it is given and what is taken."""
        return (SubflowUse(params.flow, tuple(params.inputs), (params.output,)),)

    @classmethod
    def summary(cls, params: Params) -> str:
        """The flow."""
        return params.flow or "no flow chosen"

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tool."""
        return cls.Outputs(tool=FlowTool(**params.model_dump()))
