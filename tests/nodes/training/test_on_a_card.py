"""Trainings on a graphics card, as far as a machine without one shows them."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.transformers.anatomy import Anatomy
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.training import base as training_base
from patchbay.nodes.training.base import checked_base
from patchbay.nodes.training.datasets import CheckedPrompts, kept
from patchbay.nodes.training.doing import train
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.measure import TrainingEstimate, check_memory
from patchbay.nodes.training.place import TrainingPlace
from patchbay.nodes.training.reinforce import Reinforce
from patchbay.nodes.training.reinforce_node import OWN, TrainReinforce
from patchbay.nodes.training.settings import TrainingParams, TrainingSettings
from patchbay.nodes.training.tokens import RowTokens
from patchbay.nodes.training.watching import made_trainer
from patchbay.nodes.training.working import alone
from tests.card import CARD, card
from tests.nodes.training.conftest import WORDS
from tests.nodes.training.watches import quiet

GB = 10**9


def test_a_card_that_is_not_the_first_is_refused() -> None:
    assert checked_base(TransformersModel(device="cuda"))
    with pytest.raises(NodeError, match="first graphics card") as caught:
        checked_base(TransformersModel(device="cuda:1"))
    assert caught.value.code == "training/device"
    assert "CUDA_VISIBLE_DEVICES=1" in caught.value.fix


def test_a_step_is_computed_on_one_card() -> None:
    """Transformers would compute it on all of them, with as many times the rows."""

    class Args:
        _n_gpu = 4

        @property
        def n_gpu(self) -> int:
            return self._n_gpu

    class Trainer:
        def __init__(self, args: Args, callbacks: Any) -> None:
            self.args = args

        def remove_callback(self, kind: Any) -> None:
            """There is none."""

    assert made_trainer(Trainer, quiet(), args=Args()).args.n_gpu == 1


def test_the_memory_of_the_card_is_what_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Anatomy.__new__(Anatomy)
    known = TrainingEstimate(weights=8 * GB, trained=0, activations=0, work=0.0)
    settings = TrainingSettings(kind="supervised", params=TrainingParams(method="QLoRA", batch=1))
    monkeypatch.setattr("patchbay.nodes.training.measure.estimate", lambda *_: known)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=64 * GB))
    monkeypatch.setattr("patchbay.nodes.gpus.free_on", lambda place: {0: 4 * GB}.get(place))
    rows = [RowTokens((1,), (True,))]
    check_memory(known, settings, made, rows)
    check_memory(known, settings, made, rows, gpu=1)  # of which the driver says nothing
    with pytest.raises(NodeError, match="of GPU memory, but only 4 GB are free") as caught:
        check_memory(known, settings, made, rows, gpu=0)
    assert caught.value.code == "model/memory"


def test_memory_that_runs_out_is_told_and_given_back() -> None:
    class Tensor:
        """Something large that the step at hand computed."""

    held: list[Any] = []

    def step() -> None:
        large = Tensor()
        held.append(weakref.ref(large))
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")

    with (
        pytest.raises(NodeError, match="more GPU memory") as caught,
        alone(TrainingPlace("it"), quiet()),
    ):
        step()
    gc.collect()
    assert caught.value.code == "model/memory"
    assert held[0]() is None, "the error keeps what was computed"


def test_ppo_leaves_nothing_on_the_processor(
    base: TransformersModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = [
        {"prompt": [{"role": "user", "content": f"Is {word} good?"}], "check": "contains",
         "right": "e"}
        for word in WORDS[:4]
    ]  # fmt: skip
    params = TrainReinforce.Params(
        algorithm="PPO", steps=3, batch=2, limit=64, rate=2e-2, answers=3, answer=4, layers="all"
    )
    settings = TrainingSettings(
        kind="reinforce", params=TrainingParams(**params.model_dump(exclude=set(OWN))),
        more={name: getattr(params, name) for name in OWN},
    )  # fmt: skip

    def trained(home: str) -> list[float]:
        monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / home))
        job = Job(base, kept(CheckedPrompts, made, "weather"), None, settings)
        record = train(job, quiet(), Reinforce(None))
        return [figure["loss"] for figure in record["figures"]]

    here = trained("here")
    opened, places = training_base._opened, []

    def on_card(*given: Any, **more: Any) -> Any:
        network = opened(*given, **more).to(CARD)
        places.append(network.device.type)
        return network

    monkeypatch.setattr(training_base, "_opened", on_card)
    with card():
        there = trained("there")
    assert places == [CARD]
    assert there == pytest.approx(here, abs=1e-4)
