"""Trainings of one base that wait for each other: it is read once, and no number changes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.training import base as bases
from patchbay.nodes.training import handing_on
from patchbay.nodes.training.datasets import InstructionData
from patchbay.nodes.training.doing import train
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.settings import TrainingParams, TrainingSettings
from patchbay.nodes.training.supervised import Supervised
from patchbay.nodes.training.watching import Watch
from tests.nodes.training.long import long_training
from tests.nodes.training.watches import quiet

QUICK: dict[str, Any] = {"steps": 3, "batch": 2, "limit": 64, "rate": 1e-2}


def job_of(base: TransformersModel, data: InstructionData, **params: Any) -> Job:
    chosen = TrainingParams(**{**QUICK, **params})
    return Job(base, data, None, TrainingSettings(kind="supervised", params=chosen))


def one_while_the_other_waits(first: Job, second: Job) -> list[float]:
    """Train one; another comes meanwhile. The losses of the second."""
    waits, begun = threading.Event(), threading.Event()
    record: dict[str, Any] = {}

    def report(label: str, done: float, total: float | None) -> None:
        if "loss" in label:
            begun.set()
            assert waits.wait(240)

    def reported(label: str, done: float, total: float | None) -> None:
        if label == "waiting for another training":
            waits.set()

    def other() -> None:
        assert begun.wait(240)
        record.update(train(second, Watch(reported, threading.Event()), Supervised()))

    thread = threading.Thread(target=other)
    thread.start()
    train(first, Watch(report, threading.Event()), Supervised())
    thread.join(240)
    return [figure["loss"] for figure in record["figures"]]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each reading of a network."""
    found: list[str] = []
    real = bases._network

    def counted(root: Any, folder: str, *more: Any) -> Any:
        found.append(folder)
        return real(root, folder, *more)

    monkeypatch.setattr(bases, "_network", counted)
    return found


@pytest.mark.parametrize(
    "method",
    ["LoRA", pytest.param("DoRA", marks=long_training), pytest.param("IA3", marks=long_training)],
)
def test_the_base_is_read_once_for_two(
    method: str, base: TransformersModel, data: InstructionData, tmp_path: Path, reads: list[str]
) -> None:
    second = job_of(base, data, seed=1, method="LoRA")
    fresh = [figure["loss"] for figure in train(second, quiet(), Supervised())["figures"]]
    second.place.folder.rename(tmp_path / "moved")
    reads.clear()
    assert one_while_the_other_waits(job_of(base, data, method=method), second) == fresh
    assert len(reads) == 1
    assert not handing_on._HANDED
    assert not handing_on._HERE


@long_training
@pytest.mark.parametrize(
    "other", [{"method": "all weights"}, {"precision": "bfloat16"}, {"start": "PiSSA"}]
)
def test_another_way_reads_its_own(
    other: dict[str, Any], base: TransformersModel, data: InstructionData, reads: list[str]
) -> None:
    one_while_the_other_waits(job_of(base, data), job_of(base, data, **other))
    assert len(reads) == 2
    assert not handing_on._HANDED
