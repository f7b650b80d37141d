"""Ways to write numbers in fewer bits, as pure functions over NumPy arrays.

Each scheme gives codes (what would be stored) and the numbers that come back. Shapes stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers: TypeAlias = NDArray[np.floating[Any]]
    Codes: TypeAlias = NDArray[Any]

BLOCK = 64
"""Numbers that share one scale in the 4-bit schemes, as in the QLoRA paper."""

_AT_ONCE = 1 << 14
"""Blocks that are computed together."""

NF4 = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
    -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
    0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
)  # fmt: skip
"""The 16 levels of 4-bit NormalFloat: quantiles of a normal distribution, with an exact zero."""

FP4 = tuple(
    sign * size / 12.0 for sign in (1, -1) for size in (0.0, 0.0625, 8.0, 12.0, 4.0, 6.0, 2.0, 3.0)
)
"""The 16 levels of bitsandbytes' 4-bit float: sign, two bits of exponent, one of fraction."""


@dataclass(frozen=True, slots=True)
class Quantized:
    """Numbers in few bits. `bits` counts those stored per number, with its share of the scales."""

    codes: Codes
    restored: Numbers
    bits: float


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to write numbers: its name, the bits of one code, and the function that does it."""

    name: str
    width: int
    apply: Callable[[Numbers], Quantized]


def absmax(numbers: Numbers) -> Quantized:
    """8-bit whole numbers by absolute maximum: the largest number becomes 127 (or -127).

    One scale for all; zero stays zero (Dettmers et al. 2022, "LLM.int8()", arXiv:2208.07339).
    """
    import numpy as np

    largest = float(np.max(np.abs(numbers), initial=0.0))
    scale = largest / 127 if largest else 1.0
    codes = np.rint(numbers / scale).astype(np.int8)
    return Quantized(codes, codes * numbers.dtype.type(scale), 8 + 32 / max(1, numbers.size))


def absmax_rows(numbers: Numbers) -> Quantized:
    """As `absmax`, with a scale for every row: one outlier spoils only its own row."""
    import numpy as np

    rows = numbers.reshape(-1, numbers.shape[-1]) if numbers.ndim > 1 else numbers.reshape(1, -1)
    largest = np.max(np.abs(rows), axis=1, initial=0, keepdims=True)
    scales = np.where(largest == 0, 1, largest / 127)
    codes = np.rint(rows / scales).astype(np.int8)
    restored = (codes * scales).astype(numbers.dtype).reshape(numbers.shape)
    bits = 8 + 32 * len(rows) / max(1, numbers.size)
    return Quantized(codes.reshape(numbers.shape), restored, bits)


def zero_point(numbers: Numbers) -> Quantized:
    """8-bit whole numbers from smallest to largest: uses all 256 codes for lopsided numbers.

    A scale and the code of zero are kept (Jacob et al. 2017, arXiv:1712.05877).
    """
    import numpy as np

    low = min(0.0, float(np.min(numbers, initial=0.0)))
    high = max(0.0, float(np.max(numbers, initial=0.0)))
    scale = (high - low) / 255 if high > low else 1.0
    zero = round(-128 - low / scale)
    codes = np.clip(np.rint(numbers / scale) + zero, -128, 127).astype(np.int8)
    restored = ((codes.astype(np.int16) - zero) * scale).astype(numbers.dtype)
    return Quantized(codes, restored, 8 + 40 / max(1, numbers.size))


def nf4(numbers: Numbers, block: int = BLOCK) -> Quantized:
    """4-bit NormalFloat, in blocks (Dettmers et al. 2023, "QLoRA", arXiv:2305.14314)."""
    return _by_levels(numbers, NF4, block)


def fp4(numbers: Numbers, block: int = BLOCK) -> Quantized:
    """4-bit float, in blocks, as bitsandbytes has it."""
    return _by_levels(numbers, FP4, block)


def half(numbers: Numbers) -> Quantized:
    """16-bit floats. Numbers beyond 65,504 become infinite, as they do in a model."""
    import numpy as np

    with np.errstate(over="ignore"):
        codes = numbers.astype(np.float16)
    return Quantized(codes, codes.astype(numbers.dtype), 16)


def unchanged(bits: int) -> Callable[[Numbers], Quantized]:
    """As it is, in 64 or 32 bits: nothing is lost that was there."""
    return lambda numbers: Quantized(numbers, numbers, bits)


SCHEMES = (
    Scheme("float64", 64, unchanged(64)),
    Scheme("float32", 32, unchanged(32)),
    Scheme("float16", 16, half),
    Scheme("int8 absmax", 8, absmax),
    Scheme("int8 absmax by row", 8, absmax_rows),
    Scheme("int8 zero-point", 8, zero_point),
    Scheme("NF4", 4, nf4),
    Scheme("FP4", 4, fp4),
)
"""What the report compares, from most bits to fewest."""


def _by_levels(numbers: Numbers, levels: tuple[float, ...], block: int) -> Quantized:
    """The nearest level for each number over its block's largest; a 32-bit scale per block."""
    import numpy as np

    flat = numbers.reshape(-1)
    blocks = -(-flat.size // block)
    rows = np.zeros((blocks, block), numbers.dtype)
    rows.reshape(-1)[: flat.size] = flat
    codes, restored = np.empty(rows.shape, np.uint8), np.empty_like(rows)
    order = np.argsort(levels).astype(np.uint8)
    ranked = np.asarray(levels, numbers.dtype)[order]
    between = (ranked[1:] + ranked[:-1]) / 2
    for start in range(0, blocks, _AT_ONCE):  # the steps between take several times the space
        part = rows[start : start + _AT_ONCE]
        scales = np.max(np.abs(part), axis=1, initial=0, keepdims=True)
        nearest = np.searchsorted(between, part / np.where(scales == 0, 1, scales))
        codes[start : start + _AT_ONCE] = order[nearest]
        restored[start : start + _AT_ONCE] = ranked[nearest] * scales

    def shaped(array: Any) -> Any:
        return array.reshape(-1)[: flat.size].reshape(numbers.shape)

    return Quantized(shaped(codes), shaped(restored), 4 + 32 * blocks / max(1, flat.size))
