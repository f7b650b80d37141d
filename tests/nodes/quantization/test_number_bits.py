"""Numbers bit by bit: against NumPy and torch, at the edges, and what n bits tell apart."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from patchbay.nodes.quantization.number_bits import NumberBits
from patchbay.nodes.quantization.number_formats import written
from patchbay.nodes.testing import run_node


def test_the_layout_of_a_number() -> None:
    out = run_node(NumberBits, {"number": 5.47, "largest": 10.8}, {})
    said = {row[0]: row[2] for row in out["table"].rows}
    assert said == {
        "FP32": "0 10000001 01011110000101000111101", "FP16": "0 10001 0101111000",
        "BF16": "0 10000001 0101111", "INT8": "01000000",
    }  # fmt: skip
    assert out["powers"].rows[4] == (8, 256, 0, 255)
    assert len(out["chart"].rows) == 4 * 32
    assert run_node(NumberBits, {}, {"number": -1.0})["table"].rows[0][2].startswith("1 01111111")


def test_floats_are_those_of_torch() -> None:
    import torch

    source = random.Random(0)
    numbers = [source.uniform(-70_000, 70_000) for _ in range(200)]
    numbers += [10 ** source.uniform(-38, 30) for _ in range(200)]
    numbers += [0.0, -0.0, 65504.0, 65520.0, 1e-40, 6e-8, 3.39e38, 1.00390625, 1.01171875]
    for number in numbers:
        single, half, brain, _ = written(number, 1.0)
        exact = torch.tensor(number, dtype=torch.float64)
        assert single.value == exact.float().item()
        assert half.value == exact.half().item(), number
        assert brain.value == exact.float().bfloat16().item(), number
        assert int(single.bits, 2) == int(np.float32(number).view(np.uint32))


@pytest.mark.parametrize(
    ("number", "largest", "bits", "value"),
    [(10.8, 10.8, "01111111", 10.8), (-10.8, 10.8, "10000001", -10.8), (0.0, 1.0, "00000000", 0.0),
     (20.0, 10.8, "01111111", 20.0)],
)  # fmt: skip
def test_whole_numbers(number: float, largest: float, bits: str, value: float) -> None:
    code = written(number, largest)[-1]
    assert (code.bits, pytest.approx(code.value)) == (bits, value)


def test_what_is_too_large_for_a_format_is_said() -> None:
    rows = run_node(NumberBits, {"number": 1e30}, {})["table"].rows
    assert rows[1][3] == "too large"
    assert math.isfinite(rows[2][3])
