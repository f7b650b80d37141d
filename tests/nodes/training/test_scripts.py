"""The scripts of a training are run, and give its losses."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import run_node
from patchbay.nodes.training.datasets import InstructionData
from patchbay.nodes.training.supervised_node import TrainSupervised


def check_scripts(
    params: dict[str, Any], base: TransformersModel, data: InstructionData, folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Train with some params, and run both scripts in a folder: they give the same losses."""
    quick = {"batch": 2, "limit": 64, "rate": 1e-2, **params}
    out = run_node(TrainSupervised, quick, {"model": base, "data": data})
    ours = [point["loss"] for point in out["curve"].rows]
    monkeypatch.chdir(folder)
    for name in ("script", "loop"):
        path = folder / f"{name}.py"
        path.write_text(out[name])
        assert runpy.run_path(str(path))["losses"] == pytest.approx(ours, abs=1e-5), name
    assert len(out["loop"].splitlines()) < 150


@pytest.mark.parametrize(
    "params",
    [
        {"method": "LoRA", "schedule": "cosine", "warmup": 0.2, "seed": 3},
        {"method": "LoRA", "dropout": 0.1, "accumulate": 2, "batch": 3, "checkpointing": True},
        {"method": "IA3", "layers": "all", "rate": 0.3},
        {"method": "prompt tuning", "virtual_tokens": 5, "rate": 0.1},
        {"method": "prefix tuning", "virtual_tokens": 5, "prompt_start": "the sun", "rate": 0.1},
        {"method": "all weights", "accumulate": 2, "batch": 3, "rate": 1e-3},
    ],
    ids=["LoRA", "dropout", "IA3", "prompt", "prefix", "all weights, accumulated"],
)
def test_both_give_the_losses_of_the_node(
    params: dict[str, Any], base: TransformersModel, data: InstructionData, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    check_scripts({"steps": 7, **params}, base, data, tmp_path, monkeypatch)


def test_what_no_script_is_written_for(base: TransformersModel, data: InstructionData) -> None:
    quick = {"steps": 1, "batch": 2, "limit": 64}
    first = run_node(TrainSupervised, quick, {"model": base, "data": data})
    assert "script" in first
    second = run_node(TrainSupervised, quick, {"model": first["model"], "data": data})
    assert "script" not in second
