"""The node `logic.run_flow`: another flow as one step of this one."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from patchbay.nodes.contract import (
    Context,
    Field,
    Node,
    NodeParams,
    Ports,
    SubflowUse,
    kind_type,
    port,
)
from patchbay.nodes.names import FlowName, Name
from patchbay.nodes.values import ValueKind


class RunFlow(Node):
    """Run another saved flow as one step. Its inputs and outputs become this node's ports.

    An output that the other flow leaves out (a branch that was not taken) is not set here either,
    and what hangs on it alone is skipped.
    """

    kind, version = "logic.run_flow", 1
    title, family, icon = "Run a flow", "Logic", "nest"
    front = "flow"
    synonyms = ("subflow", "execute flow", "nested", "call flow", "module", "reuse")

    class Params(NodeParams):
        flow: FlowName = Field("", widget="flow")
        """The flow to run: the name of a flow file beside this one."""
        inputs: dict[Name, ValueKind] = Field({"question": "text"})
        """The inputs of that flow to fill, each with its type."""
        outputs: dict[Name, ValueKind] = Field({"answer": "text"})
        """The outputs of that flow to take, each with its type."""

        @model_validator(mode="after")
        def _gives_something(self) -> RunFlow.Params:
            if not self.outputs:
                raise ValueError("name at least one output of the flow")
            return self

    class Outputs(Ports):
        answer: str = port(doc='The output "answer" of the flow.')

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        return Ports.of(_ports(params.inputs, "input"))

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        return Ports.of(_ports(params.outputs, "output"))

    @classmethod
    def subflows(cls, params: Params) -> tuple[SubflowUse, ...]:
        return (SubflowUse(params.flow, tuple(params.inputs), tuple(params.outputs)),)

    @classmethod
    def summary(cls, params: Params) -> str:
        return params.flow or "no flow chosen"

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        given = await ctx.run_flow(params.flow, inputs.as_dict())
        taken = {name: given[name] for name in params.outputs if name in given}
        return self.output_ports(params)(**taken)


def _ports(kinds: dict[str, ValueKind], side: str) -> dict[str, Any]:
    return {
        name: (kind_type(kind), port(doc=f'The {side} "{name}" of the flow.'))
        for name, kind in kinds.items()
    }
