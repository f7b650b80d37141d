"""What a description says it needs, against what a process really takes with a full context."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from patchbay.nodes.models.transformers.load import folder_of
from patchbay.nodes.models.transformers.precision import Quantization
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.weights.refs import quiet

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("bits", "processor"),
    [(None, []), (Quantization(bits=4), []), (Quantization(bits=4), ["plain"])],
    ids=["full", "four bits", "four bits on a plain processor"],
)
def test_the_estimate_is_within_15_percent(bits: Quantization | None, processor: list[str]) -> None:
    spec = TransformersModel(context=512, parallel=1, quantization=bits)
    folder_of(spec.weights, quiet)  # dequantizing takes memory of its own, once
    command = [
        sys.executable,
        "-m",
        "tests.nodes.models.transformers.measure_memory",
        spec.model_dump_json(),
        *processor,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    taken, estimated = (int(number) for number in done.stdout.split()[:2])
    assert 0.85 * taken <= estimated <= 1.15 * taken, (taken / 2**20, estimated / 2**20)
