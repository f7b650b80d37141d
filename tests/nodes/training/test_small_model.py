"""One trainer on the real small model; `make test-train` takes all of them to their ends."""

from __future__ import annotations

from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import run_node
from patchbay.nodes.training.datasets import InstructionData, kept
from patchbay.nodes.training.supervised_node import TrainSupervised
from tests.nodes.training.conftest import rows


def test_it_learns_an_answer() -> None:
    data = kept(InstructionData, rows(1), "one")
    model = TransformersModel(weights="smollm2-135m-instruct", context=128)
    params = {"steps": 3, "batch": 1, "limit": 64, "rate": 3e-3, "layers": "all"}
    out = run_node(TrainSupervised, params, {"model": model, "data": data})
    losses = [point["loss"] for point in out["curve"].rows]
    assert losses[-1] < losses[0]
