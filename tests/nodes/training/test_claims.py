"""What `make claims` does, on a tiny network: its figures mean nothing, its tables are whole."""

from __future__ import annotations

from typing import Any

import pytest

from bench import claims, claims_rewards
from bench.claims_task import task_flow, wired
from patchbay.nodes.models.transformers.spec import TransformersModel
from tests.nodes.training.long import long_training


@pytest.fixture
def tiny_task(base: TransformersModel, monkeypatch: pytest.MonkeyPatch) -> TransformersModel:
    """The task with the tiny network in place of SmolLM2."""
    _, rows, params = wired({})

    def in_its_place(change: Any) -> Any:
        return base, rows, {**params, "train": {**params["train"], "steps": 2, **change}}

    monkeypatch.setattr(claims_rewards, "wired", in_its_place)
    monkeypatch.setattr(claims, "wired", in_its_place)
    return base


def test_a_setting_of_the_training_is_changed() -> None:
    params = {node.id: node.params for node in task_flow({"rank": 4}).nodes}
    assert (params["train"]["rank"], params["train"]["method"]) == (4, "LoRA")


@long_training
def test_the_tables_are_whole(tiny_task: TransformersModel) -> None:
    told = claims._trained({"method": "LoRA"})
    # Rank 8 on seven layers of two blocks, of 32, 16 and 64 numbers.
    assert told["numbers"] == 2 * 8 * (2 * 64 + 2 * 48 + 3 * 96)
    assert told["bytes"] > told["numbers"] * 4
    assert told["peak"] > 10**8
    tax = list(claims_rewards.tax())
    assert [line.count("|") for line in tax] == [4] * 5
    hacking = list(claims_rewards.hacking())
    assert [line.split("|")[1].strip() for line in hacking[2:]] == ["beta 0", "beta 0.2"]
    # What is never looked at costs nothing to stray from: without a price there is no KL to tell.
    assert "not computed" in hacking[2] or float(hacking[2].split("|")[3]) >= 0
