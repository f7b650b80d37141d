"""Layers that are to be computed on a graphics card, where llama.cpp sees none or one."""

from __future__ import annotations

import pytest

from patchbay.nodes import gpus
from patchbay.nodes.contract import Ports
from patchbay.nodes.models.llama.node import QuantizedModel


def doubts(layers: int) -> list[str]:
    return list(QuantizedModel.doubts(QuantizedModel.Params(gpu_layers=layers), Ports()))


def test_a_card_that_stays_idle_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "llama_for_gpus", lambda: False)
    assert doubts(0) == []
    assert "computes all of them on the processor" in doubts(-1)[0]
    monkeypatch.setattr(gpus, "llama_for_gpus", lambda: True)
    assert doubts(-1) == []


def test_what_is_installed_can_be_asked() -> None:
    assert gpus.llama_for_gpus() in (True, False)
