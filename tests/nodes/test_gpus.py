"""Graphics cards as the driver tells of them, without one: the driver is a library of C here."""

# ruff: noqa: N802

from __future__ import annotations

import ctypes
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from patchbay.nodes import gpus
from patchbay.nodes.gpus import Gpu
from patchbay.nodes.models.errors import memory_ran_out, of_a_gpu, out_of_memory
from patchbay.nodes.models.transformers.precision import dtype_on
from patchbay.nodes.models.transformers.spec import TransformersModel

GB = 10**9
CARDS = {0: ("NVIDIA H200", 150 * GB, 149 * GB), 1: ("NVIDIA L4", 24 * GB, 20 * GB)}


class Driver:
    """What NVML answers for two cards."""

    def nvmlInit_v2(self) -> int:
        return 0

    def nvmlShutdown(self) -> int:
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        count._obj.value = len(CARDS)
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, at: int, handle: Any) -> int:
        handle._obj.value = at + 1
        return 0 if at in CARDS else 2

    def nvmlDeviceGetHandleByUUID(self, name: bytes, handle: Any) -> int:
        handle._obj.value = 2
        return 0 if name == b"GPU-second" else 2

    def nvmlDeviceGetName(self, handle: ctypes.c_void_p, text: Any, _size: int) -> int:
        text.value = CARDS[(handle.value or 0) - 1][0].encode()
        return 0

    def nvmlDeviceGetMemoryInfo(self, handle: ctypes.c_void_p, memory: Any) -> int:
        _, memory._obj.total, memory._obj.free = CARDS[(handle.value or 0) - 1]
        return 0


@pytest.fixture(autouse=True)
def no_cards_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    monkeypatch.setattr(gpus, "_driver", lambda: None)
    gpus._any.cache_clear()


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cards, and a torch that was built for them and is not loaded."""
    monkeypatch.setattr(gpus, "_driver", Driver)
    monkeypatch.setattr(gpus, "torch_for_gpus", lambda: True)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    gpus._any.cache_clear()


def test_without_a_driver_there_are_none() -> None:
    assert gpus.gpus() == ()
    assert gpus.place_of("auto") is None
    assert gpus.free_on(0) is None
    assert dtype_on("auto", "auto") == "float32"


@pytest.mark.parametrize(
    ("named", "names"),
    [
        (None, ["NVIDIA H200", "NVIDIA L4"]),
        ("1,0", ["NVIDIA L4", "NVIDIA H200"]),
        ("1", ["NVIDIA L4"]),
        ("GPU-second", ["NVIDIA L4"]),
        ("0,7,1", ["NVIDIA H200"]),  # CUDA stops at the first that is not there
        ("", []),
        ("-1", []),
    ],
)
def test_a_process_sees_those_that_are_named(
    named: str | None, names: list[str], two: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if named is not None:
        monkeypatch.setenv(gpus.VISIBLE, named)
    found = gpus.gpus()
    assert [card.name for card in found] == names
    assert [card.place for card in found] == list(range(len(names)))
    assert gpus.usable() == bool(names)


def test_a_model_lies_on_the_card_that_it_is_set_to(two: None) -> None:
    assert gpus.gpus()[0] == Gpu(0, "NVIDIA H200", 150 * GB, 149 * GB)
    assert gpus.free_on(1) == 20 * GB
    assert gpus.allowed_on(1) == int(24 * GB * gpus.SHARE)
    places = {device: TransformersModel(device=device).gpu
              for device in ("auto", "cuda", "cuda:1", "cpu", "mps")}  # fmt: skip
    assert places == {"auto": 0, "cuda": 0, "cuda:1": 1, "cpu": None, "mps": None}
    assert dtype_on("auto", "auto") == "bfloat16"
    assert dtype_on("cpu", "auto") == "float32"
    assert dtype_on("auto", "float32") == "float32"


def test_a_torch_for_the_processor_leaves_them_alone(
    two: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "torch_for_gpus", lambda: False)
    assert gpus.place_of("auto") is None
    # One that is loaded knows best.
    loaded = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: True))
    monkeypatch.setitem(sys.modules, "torch", loaded)
    assert gpus.place_of("auto") == 0


@pytest.mark.parametrize(
    ("error", "short", "gpu"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has"), True, True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True,
         True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you"), True,
         False),
        (MemoryError(), True, False),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False, True),
    ],
)  # fmt: skip
def test_what_libraries_say_of_memory(error: Exception, short: bool, gpu: bool) -> None:
    assert memory_ran_out(error) is short
    assert of_a_gpu(error) is gpu


def test_the_message_names_the_memory() -> None:
    assert "needs about 20 GB of GPU memory, but only 10 GB are free" in (
        out_of_memory("It", 20 * GB, 10 * GB, gpu=True).message
    )
    assert "more GPU memory than there is" in out_of_memory("It", gpu=True).message
    assert "more memory than there is" in out_of_memory("It").message
