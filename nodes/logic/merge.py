"""The node `logic.merge`: ways that parted meet again."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, kind_type, port
from patchbay.nodes.values import ValueKind


class Merge(Node):
    """Go on with the way that was taken: the first wire, in order, that delivered a value.

    It waits until every wire has delivered or was skipped. When several delivered, the others are
    left out with a warning; to keep them all, use *Join texts*.
    """

    kind, version = "logic.merge", 1
    title, family, icon = "Merge", "Logic", "merge"
    only_tells = True
    synonyms = ("join branches", "first", "combine", "meet")

    class Params(NodeParams):
        carries: ValueKind = Field("text")
        """The type of the values."""

    class Inputs(Ports):
        values: list[str] = port(doc="The ways that meet; takes many wires.")

    class Outputs(Ports):
        value: str = port(doc="The first value that was delivered.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        carried: Any = list[kind_type(params.carries)]  # type: ignore[misc]
        return Ports.of({"values": (carried, port(doc="The ways that meet; takes many wires."))})

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        doc = "The first value that was delivered."
        return Ports.of({"value": (kind_type(params.carries), port(doc=doc))})

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"the first {params.carries} that arrives"

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        values = inputs["values"]
        if len(values) > 1:
            await ctx.warn(f"{len(values)} wires delivered a value; only the first is used.")
        return self.output_ports(params)(value=values[0])
