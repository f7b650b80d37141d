"""4-bit weights stay what they are, on processors that arrange them anew and on others."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from patchbay.nodes.models.transformers.adapters import Adapters
from patchbay.nodes.models.transformers.changes import LowRank, stretched
from patchbay.nodes.models.transformers.libraries import load_libraries
from patchbay.nodes.models.transformers.packing import settle, unpacked
from tests.paths import ROOT, python_path


@pytest.fixture(params=["arranged", "as they are"])
def processor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether this processor arranges 4-bit weights; without AVX512-BF16 only one can be tried."""
    load_libraries()
    import bitsandbytes.nn.modules as modules

    wanted = request.param == "arranged"
    if wanted and not modules.has_avx512bf16():
        pytest.skip("this processor has no AVX512-BF16")
    monkeypatch.setattr(modules, "has_avx512bf16", lambda: wanted)
    return wanted


def layer(outputs: int, double: bool = True, inputs: int = 128) -> Any:
    """A 4-bit layer with random weights."""
    import bitsandbytes
    import torch

    torch.manual_seed(outputs)
    made = bitsandbytes.nn.Linear4bit(
        inputs, outputs, bias=False, compute_dtype=torch.float32, compress_statistics=double
    )
    weight = torch.randn(outputs, inputs) * 0.05
    made.weight = bitsandbytes.nn.Params4bit(
        weight, requires_grad=False, quant_type="nf4", compress_statistics=double
    )
    return made.to("cpu").eval()


@pytest.mark.parametrize("double", [True, False])
@pytest.mark.parametrize("outputs", [64, 40])
def test_a_layer_is_the_same_before_and_after_it_answers(
    processor: bool, outputs: int, double: bool
) -> None:
    import torch

    made = layer(outputs, double)
    stored = unpacked(made.weight)
    settle(torch.nn.Sequential(made))
    weights = unpacked(made.weight)
    assert torch.allclose(weights, stored, rtol=0.01, atol=1e-4), "scales in 16 bits, no more"
    given = torch.randn(3, 128)
    with torch.inference_mode():
        first, second = made(given), made(given)
    assert torch.equal(first, second)
    assert torch.allclose(first, given @ weights.T, rtol=0.02, atol=0.02)
    assert torch.equal(unpacked(made.weight), weights), "the answer rearranged it"
    packed = bool(getattr(made.weight.quant_state, "packing_format_for_cpu", False))
    assert packed == (processor and outputs % 32 == 0)


def test_dora_on_it_reads_the_weights_that_compute(processor: bool) -> None:
    import torch

    network: Any = torch.nn.Sequential(layer(64))
    settle(network)
    plain = torch.nn.Sequential(torch.nn.Linear(128, 64, bias=False))
    plain[0].weight.data = unpacked(network[0].weight)
    lengths, down, up = torch.rand(64) + 0.5, torch.randn(2, 128), torch.randn(64, 2) * 0.05
    given = torch.randn(2, 128)
    found = []
    for base in (plain, network):
        adapters = Adapters(base)
        adapters.attach("dora", {"0": [stretched(base[0], LowRank(down, up), lengths, 1.0)]})
        with torch.inference_mode():
            found.append(adapters.forward(["dora", None], input=given)[0])
    assert torch.allclose(*found, rtol=0.05, atol=0.05)


def test_nothing_is_said_on_stderr() -> None:
    script = (
        "from patchbay.nodes.models.transformers.libraries import load_libraries\n"
        "load_libraries()\n"
        "import bitsandbytes\n"
        "from transformers.utils import logging\n"
        "logging.get_logger('transformers.kernels').warning('A faster kernel could be fetched.')\n"
        "list(logging.tqdm([1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": python_path(ROOT)},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
