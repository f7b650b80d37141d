"""Numbers in fewer bits: the lecturers' example, bitsandbytes' own 4 bits, and the edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from patchbay.nodes.quantization.errors import Loss, storage
from patchbay.nodes.quantization.schemes import (
    FP4,
    NF4,
    SCHEMES,
    Quantized,
    absmax,
    absmax_rows,
    fp4,
    half,
    nf4,
    zero_point,
)

LECTURE = np.array([[5.47, 3.08, -7.59], [0, -1.95, -4.57], [10.8, 3.02, -1.92]], np.float32)
every_scheme = pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)


def test_the_example_that_lecturers_draw() -> None:
    made = absmax(LECTURE)
    assert made.codes.dtype == np.int8
    assert made.codes.tolist() == [[64, 36, -89], [0, -23, -54], [127, 36, -23]]
    assert (
        np.round(made.restored, 2).tolist()
        == np.array(
            [[5.44, 3.06, -7.57], [0, -1.96, -4.59], [10.8, 3.06, -1.96]], np.float32
        ).tolist()
    )


def test_the_storage_table_of_70_billion_parameters() -> None:
    sizes = {bits: size / 1e9 for bits, size in storage(70_000_000_000).items()}
    assert sizes == {64: 560, 32: 280, 16: 140, 8: 70, 4: 35}


@every_scheme
@pytest.mark.parametrize("shape", [(0,), (1,), (3, 5), (2, 64), (130,)])
def test_shapes_stay_and_zero_stays_zero(scheme: Any, shape: tuple[int, ...]) -> None:
    numbers = np.zeros(shape, np.float32)
    made: Quantized = scheme.apply(numbers)
    assert made.restored.shape == made.codes.shape == shape
    assert made.restored.dtype == np.float32
    assert not made.restored.any()
    assert made.bits >= scheme.width


@every_scheme
def test_the_error_is_within_half_a_step(scheme: Any) -> None:
    numbers = np.random.default_rng(0).normal(size=(20, 64)).astype(np.float32)
    made: Quantized = scheme.apply(numbers)
    largest = float(np.abs(numbers).max())
    widest = {64: 0, 32: 0, 16: largest / 2**11, 8: largest / 127, 4: largest / 6}[scheme.width]
    assert np.abs(made.restored - numbers).max() <= widest * 1.001


def test_an_outlier_spoils_only_its_own_row() -> None:
    numbers = np.array([[0.1, 0.2, 0.3], [100.0, 1.0, 2.0]], np.float32)
    assert absmax(numbers).restored[0].tolist() == [0, 0, 0]
    assert absmax_rows(numbers).restored[0] == pytest.approx([0.1, 0.2, 0.3], abs=0.002)


def test_the_zero_point_uses_all_codes_for_lopsided_numbers() -> None:
    made = zero_point(np.linspace(0, 10, 256, dtype=np.float32))
    assert (made.codes.min(), made.codes.max()) == (-128, 127)
    assert len(set(made.codes.tolist())) == 256
    assert made.restored[0] == 0


def test_half_a_float_that_is_too_large() -> None:
    assert np.isinf(half(np.array([70_000.0], np.float32)).restored[0])


@pytest.mark.parametrize(("ours", "name", "levels"), [(nf4, "nf4", NF4), (fp4, "fp4", FP4)])
def test_four_bits_are_those_of_bitsandbytes(ours: Any, name: str, levels: Any) -> None:
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("bitsandbytes.functional")
    assert len(levels) == 16
    numbers = np.random.default_rng(1).normal(size=(32, 64)).astype(np.float32)
    packed, state = functional.quantize_4bit(
        torch.from_numpy(numbers), blocksize=64, quant_type=name
    )
    theirs = functional.dequantize_4bit(packed, state).numpy()
    assert np.allclose(ours(numbers).restored, theirs, atol=2e-6)


def test_blocks_that_are_not_full() -> None:
    numbers = np.arange(1, 101, dtype=np.float32)
    made = nf4(numbers)
    assert made.bits == 4 + 32 * 2 / 100
    assert made.restored[-1] == 100  # the largest of a block is exact
    assert made.restored[63] == 64


def test_losses_add_up() -> None:
    numbers = np.array([1.0, 2.0, 3.0], np.float32)
    loss = Loss().add(numbers, np.array([1.0, 2.0, 1.0], np.float32), 8)
    assert (loss.mean, loss.rms, loss.largest, loss.bits) == (
        pytest.approx(2 / 3), pytest.approx((4 / 3) ** 0.5), 2, 8,
    )  # fmt: skip
    both = Loss().merge(loss).merge(Loss().add(numbers, numbers, 16))
    assert (both.count, both.mean, both.bits) == (6, pytest.approx(1 / 3), 12)
    assert Loss().mean == Loss().rms == Loss().bits == 0
