"""The trivial nodes that the benchmarks run, and flows made of them."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports


class Start(Node):
    """Gives a number."""

    kind, title, family = "bench.start", "Start", "Bench"

    class Outputs(Ports):
        value: float

    async def run(self, inputs: Ports, params: NodeParams, ctx: Context) -> Outputs:
        return self.Outputs(value=1)


class Step(Node):
    """Hands a number on."""

    kind, title, family = "bench.step", "Step", "Bench"

    class Inputs(Ports):
        value: float

    class Outputs(Ports):
        value: float

    async def run(self, inputs: Inputs, params: NodeParams, ctx: Context) -> Outputs:
        return self.Outputs(value=inputs.value)


class Sleep(Node):
    """Waits, then gives a number."""

    kind, title, family = "bench.sleep", "Sleep", "Bench"

    class Params(NodeParams):
        seconds: float = Field(0.2)

    class Outputs(Ports):
        value: float

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        await asyncio.sleep(params.seconds)
        return self.Outputs(value=params.seconds)


class Burn(Node):
    """Keeps a processor busy for some milliseconds."""

    kind, title, family = "bench.burn", "Burn", "Bench"

    class Inputs(Ports):
        value: float

    class Outputs(Ports):
        value: float

    async def run(self, inputs: Inputs, params: NodeParams, ctx: Context) -> Outputs:
        return self.Outputs(value=float(sum(n * n % 7 for n in range(150_000)) + inputs.value))


class Collect(Node):
    """Adds numbers up; the output of the flow."""

    kind, title, family = "bench.collect", "Collect", "Bench"

    class Inputs(Ports):
        values: list[float]

    class Outputs(Ports):
        value: float

    @classmethod
    def flow_output(cls, params: NodeParams) -> str:
        return "total"

    async def run(self, inputs: Inputs, params: NodeParams, ctx: Context) -> Outputs:
        return self.Outputs(value=sum(inputs.values))


CATALOG = Catalog([Start, Step, Sleep, Collect])


def chain(length: int) -> Flow:
    """A chain of `length` nodes."""
    middle = [NodeInstance(id=f"n{i}", kind="bench.step") for i in range(length - 2)]
    nodes = [
        NodeInstance(id="start", kind="bench.start"),
        *middle,
        NodeInstance(id="end", kind="bench.collect"),
    ]
    edges = [
        Edge(source=f"{a.id}.value", target=f"{b.id}.{'values' if b.id == 'end' else 'value'}")
        for a, b in pairwise(nodes)
    ]
    return Flow(name=f"chain of {length}", nodes=tuple(nodes), edges=tuple(edges))


def side_by_side(count: int, seconds: float) -> Flow:
    """`count` independent nodes that wait, and one that collects."""
    sleeps = [
        NodeInstance(id=f"s{i}", kind="bench.sleep", params={"seconds": seconds})
        for i in range(count)
    ]
    edges = [Edge(source=f"{node.id}.value", target="end.values") for node in sleeps]
    end = NodeInstance(id="end", kind="bench.collect")
    return Flow(name="side by side", nodes=(*sleeps, end), edges=tuple(edges))
