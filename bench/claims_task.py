"""The task that the lecture's claims are measured on: moods of remarks, in a saved flow."""

from __future__ import annotations

from collections.abc import Mapping
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
