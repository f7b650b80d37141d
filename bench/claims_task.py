"""The task that the lecture's claims are measured on: moods of remarks, in a saved flow."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Mapping, Sequence
from typing import Any

from bench.peers import ROOT

FLOW = ROOT / "flows" / "saved" / "one_task.json"
CASES = ROOT / "flows" / "saved" / "cases" / "moods.csv"


def task_flow(change: Mapping[str, Any]) -> Any:
    """The saved flow with other settings of its training."""
    from patchbay.flows.document.reading import read_flow

    return read_flow(FLOW).with_params({"train": change})


def wired(change: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """The model of the saved flow, its rows, and the params of all nodes."""
    from patchbay.nodes.models.transformers.node import TransformersNode
    from patchbay.nodes.testing import run_node
    from patchbay.nodes.training.instruction_data import InstructionDataNode

    params = {node.id: node.params for node in task_flow(change).nodes}
    model = TransformersNode.describe(
        TransformersNode.Params(**params["model"]), TransformersNode.Inputs()
    ).model
    return model, run_node(InstructionDataNode, params["rows"], {"model": model}), params


def cases() -> list[dict[str, str]]:
    """The remarks that nothing is trained on, with their moods."""
    with CASES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def said_by(model: Any, prompts: Sequence[str], **options: Any) -> list[str]:
    """What a model answers to each prompt, several at once; the likeliest words unless told."""
    from patchbay.flows.runs.resources import Pool
    from patchbay.flows.testing import PooledContext, user
    from patchbay.nodes.models.asking import ask

    async def all_of_them() -> list[str]:
        ctx = PooledContext()
        ctx.pool = Pool()
        given = model.call_options(**{"temperature": 0, "max_tokens": 4, **options})
        try:
            said = await asyncio.gather(
                *(ask(ctx, model, user(one), port=None, **given) for one in prompts)
            )
        finally:
            ctx.pool.close()
        return [one.text.strip() for one in said]

    return asyncio.run(all_of_them())
