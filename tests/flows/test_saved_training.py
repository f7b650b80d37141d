"""The saved flow that trains an adapter, on the real model: three steps of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows import load, run
from patchbay.flows.runs.defaults import default_environment
from patchbay.nodes.home import cache_dir, weights_dir
from tests.flows.test_saved_flows import SAVED


def test_train_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHBAY_CACHE", str(cache_dir()))
    monkeypatch.setenv("PATCHBAY_WEIGHTS", str(weights_dir()))
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path))
    flow = load(SAVED / "train_adapter.json").flow
    flow = flow.with_params({"train": {"steps": 3, "batch": 2}, "rows": {"held_out": 0.05}})
    outputs = run(flow, environment=default_environment(use_cache=False)).outputs
    before, after, apart = outputs["measured"].rows
    assert after[1] < before[1]
    assert apart[3] < 0, "the interval of the difference holds zero"
    assert [point["step"] for point in outputs["curve"].rows] == [1, 2, 3]
    assert outputs["after"] != outputs["before"]
