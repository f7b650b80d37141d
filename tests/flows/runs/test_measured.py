"""Figures that a node measures on the way: all of them arrive, in few events."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from patchbay.flows.runs.events import NodeProgress, as_json
from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import Context, Node, NodeParams, Ports
from tests.flows.runs.harness import OUT, environment, events_of, flow
from tests.flows.runs.nodes import NODES


class Trains(Node):
    """Tells a loss for each step, as fast as it can, and then ends without another word."""

    kind, title, family = "test.trains", "Trains", "Test"

    class Params(NodeParams):
        steps: int = 3
        total: int = 5
        loss: float = 0.5

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
        for step in range(1, params.steps + 1):
            label = f"loss {params.loss / step:.3g}, step"
            await ctx.progress(label, step, params.total, [{"step": step, "loss": params.loss}])
        return self.Outputs(text="over")


async def told(**params: Any) -> list[NodeProgress]:
    """What a run of it says."""
    env = environment(catalog=Catalog([*NODES, Trains], table=BUILTIN))
    case = flow({"t": ("test.trains", params), "o": OUT}, ["t.text > o.value"])
    return [event for event in await events_of(case, env=env) if isinstance(event, NodeProgress)]


def steps_of(events: list[NodeProgress]) -> list[float]:
    return [point["step"] for event in events for point in event.points]


async def test_a_thousand_quick_steps_are_all_told_in_few_events() -> None:
    events = await told(steps=1000, total=1000)
    assert steps_of(events) == list(range(1, 1001))
    assert len(events) < 100
    assert (events[-1].done, events[-1].total) == (1000, 1000)


@pytest.mark.parametrize("steps", [1, 2, 4])
async def test_one_that_ends_early_has_told_all(steps: int) -> None:
    events = await told(steps=steps, total=50)
    assert steps_of(events) == list(range(1, steps + 1))
    assert events[-1].done == steps


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
async def test_what_is_no_number_is_left_out_of_the_curve(loss: float) -> None:
    events = await told(steps=2, loss=loss)
    assert all(set(point) == {"step"} for event in events for point in event.points)
    json.dumps([as_json(event) for event in events], allow_nan=False)
