"""What a description says it needs, against what a process really takes with a full context."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from patchbay.nodes.models.transformers.load import folder_of
from patchbay.nodes.models.transformers.precision import Quantization
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.weights.refs import quiet

ROOT = Path(__file__).parents[4]
MEASURE = "tests.nodes.models.transformers.measure_memory"
CASES: dict[str, tuple[Quantization | None, bool]] = {
    "full": (None, False),
    "four bits": (Quantization(bits=4), False),
    "four bits on a plain processor": (Quantization(bits=4), True),
}


@pytest.fixture(scope="module")
def measured() -> dict[str, tuple[int, int]]:
    """Bytes that each case takes, and those that were estimated."""
    given = []
    for bits, plain in CASES.values():
        spec = TransformersModel(context=512, parallel=1, quantization=bits)
        folder_of(spec.weights, quiet)  # dequantizing takes memory of its own, once
        given.append([spec.model_dump_json(), plain])
    lines: list[str] = []
    for cases in [given] if hasattr(os, "fork") else [[case] for case in given]:
        done = subprocess.run(
            [sys.executable, "-m", MEASURE, json.dumps(cases)],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        lines += done.stdout.splitlines()
    pairs = [line.split() for line in lines]
    return {
        name: (int(taken), int(estimated))
        for name, (taken, estimated) in zip(CASES, pairs, strict=True)
    }


@pytest.mark.parametrize("case", CASES)
def test_the_estimate_is_within_15_percent(case: str, measured: dict[str, tuple[int, int]]) -> None:
    taken, estimated = measured[case]
    assert 0.85 * taken <= estimated <= 1.15 * taken, (taken / 2**20, estimated / 2**20)
