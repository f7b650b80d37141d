"""The node `io.output`: a value that a flow gives back."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, port
from patchbay.nodes.names import Name


class FlowOutput(Node):
    """A result of the flow, under a name: what the caller gets back.

    A flow may have several. When what is wired into it is on a branch that was not taken, the
    output is left out of the result.
    """

    kind, version = "io.output", 1
    title, family, icon = "Flow output", "Input and output", "output"
    front = "name"
    synonyms = ("answer", "result", "end", "response", "chat output", "text output")

    class Params(NodeParams):
        name: Name = Field("answer")
        """What the caller calls the result."""
        description: str = Field("", max_length=2000)
        """A sentence that tells the caller what it gets."""

    class Inputs(Ports):
        value: Any = port(doc="The result. It may be of any type.")

    class Outputs(Ports):
        value: Any = port(hidden=True, doc="The same value, where the run picks it up.")

    @classmethod
    def flow_output(cls, params: Params) -> str:
        return params.name

    @classmethod
    def summary(cls, params: Params) -> str:
        return params.name

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        return self.Outputs(value=inputs.value)
