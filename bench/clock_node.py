"""A node that streams the time, for `bench.streams`: each piece says when it was sent."""

from __future__ import annotations

import asyncio
import time

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports


class Clock(Node):
    """Stream the time in milliseconds, so many times a second."""

    kind, title, family = "bench.clock", "Clock", "Bench"
    deterministic = False

    class Params(NodeParams):
        pieces: int = Field(1600, ge=1)
        """How many pieces are sent."""
        rate: int = Field(200, ge=1)
        """Pieces a second."""

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        """Send them, each when it is due."""
        began = time.monotonic()
        said = []
        for number in range(params.pieces):
            await asyncio.sleep(max(0.0, began + number / params.rate - time.monotonic()))
            said.append(f"{time.time() * 1000:.0f} ")
            await ctx.stream("text", said[-1])
        return self.Outputs(text="".join(said))
