"""The graphics cards of this machine, as NVIDIA's driver tells of them: no heavy library is loaded.

What is computed on one lies in its memory, not in the machine's. A process sees the cards that
`CUDA_VISIBLE_DEVICES` names; empty, it sees none, and everything is computed on the processor.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

DRIVERS = (
    "libnvidia-ml.so.1",
    "/usr/local/nvidia/lib64/libnvidia-ml.so.1",
    "/usr/lib/wsl/lib/libnvidia-ml.so.1",
    "nvml.dll",
)
VISIBLE = "CUDA_VISIBLE_DEVICES"
SHARE = 0.9
"""The share of a card's memory that models may take; the driver and its libraries need some."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics card: its place among those that this process sees, and bytes of memory."""

    place: int
    name: str
    total: int
    free: int


class _Memory(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]


def gpus() -> tuple[Gpu, ...]:
    """The cards that this process sees; none where there is no driver."""
    driver = _driver()
    if driver is None or os.environ.get(VISIBLE, "all").strip() in ("", "-1"):
        return ()
    if driver.nvmlInit_v2():
        return ()
    try:
        handles = list(_visible(driver))
        return tuple(_read(driver, handle, place) for place, handle in enumerate(handles))
    finally:
        driver.nvmlShutdown()


def usable() -> bool:
    """Whether torch computes on a card here: there is one, and this build of torch knows how."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "cuda"):
        return bool(torch.cuda.is_available())
    return torch_for_gpus() and _any(os.environ.get(VISIBLE))


@lru_cache(maxsize=8)
def _any(_named: str | None) -> bool:
    """Whether a card is seen; asked once, since it is asked at each estimate."""
    return bool(gpus())


@lru_cache(maxsize=1)
def torch_for_gpus() -> bool:
    """Whether the torch that is installed was built for CUDA; it is not imported."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return False
    names = ("libtorch_cuda.so", "torch_cuda.dll")
    return any((Path(found.origin).parent / "lib" / name).is_file() for name in names)


@lru_cache(maxsize=1)
def llama_for_gpus() -> bool:
    """Whether the llama.cpp that is installed sees a card. Imports it."""
    import xllamacpp

    return any("GPU" in device["type"].name for device in xllamacpp.get_device_info())


def place_of(device: str) -> int | None:
    """The card that a device means, by its place; None for the processor.

    Args:
        device: auto, cpu, mps, cuda or cuda:1. `auto` is the first card where one is usable.
    """
    if device == "auto":
        return 0 if usable() else None
    if not device.startswith("cuda"):
        return None
    return int(device.partition(":")[2] or 0)


def free_on(place: int) -> int | None:
    """Bytes that are free on a card; None where the driver does not say."""
    found = next((card for card in gpus() if card.place == place), None)
    return None if found is None else found.free


def allowed_on(place: int) -> int | None:
    """Bytes that models may take together on a card; None where the driver does not say."""
    found = next((card for card in gpus() if card.place == place), None)
    return None if found is None else int(found.total * SHARE)


def give_back() -> None:
    """Hand memory of the cards that was freed back to the driver; torch keeps it for itself.

    Networks stand in circles, so that garbage is looked for first.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "cuda") or not torch.cuda.is_initialized():
        return
    import gc

    gc.collect()
    torch.cuda.empty_cache()


@lru_cache(maxsize=1)
def _driver() -> Any:
    for name in DRIVERS:
        with contextlib.suppress(OSError):
            return ctypes.CDLL(name)
    return None


def _visible(driver: Any) -> Iterator[ctypes.c_void_p]:
    """The cards that are named, up to the first that is not there, as CUDA takes them."""
    count = ctypes.c_uint()
    driver.nvmlDeviceGetCount_v2(ctypes.byref(count))
    named = os.environ.get(VISIBLE)
    for one in map(str, range(count.value)) if named is None else named.split(","):
        handle = ctypes.c_void_p()
        if re.fullmatch(r"\s*\d+\s*", one):
            failed = driver.nvmlDeviceGetHandleByIndex_v2(int(one), ctypes.byref(handle))
        else:
            failed = driver.nvmlDeviceGetHandleByUUID(one.strip().encode(), ctypes.byref(handle))
        if failed:
            return
        yield handle


def _read(driver: Any, handle: ctypes.c_void_p, place: int) -> Gpu:
    name, memory = ctypes.create_string_buffer(96), _Memory()
    driver.nvmlDeviceGetName(handle, name, 96)
    driver.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
    return Gpu(place, name.value.decode(errors="replace"), memory.total, memory.free)
