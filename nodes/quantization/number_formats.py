"""A number in 32, 16 and 8 bits, bit by bit. Pure, over `struct`."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WrittenNumber:
    """A number as a format holds it: its bits from the left, in parts, and what comes back."""

    format: str
    bits: str
    parts: tuple[tuple[str, int], ...]
    """Name and width of each part, from the left."""
    value: float


def written(number: float, largest: float) -> list[WrittenNumber]:
    """A number in FP32, FP16, BF16 and INT8.

    Floats are rounded to the nearest, ties to even (IEEE 754). BF16 is the upper half of FP32
    (Kalamkar et al. 2019, arXiv:1905.12322). INT8 is by absolute maximum, two's complement
    (Dettmers et al. 2022, arXiv:2208.07339).

    Args:
        number: which.
        largest: the largest number of its matrix, by its size: that becomes 127.
    """
    floats = (("sign", 1), ("exponent", 8), ("fraction", 23))
    single = _packed("f", number)
    (raw,) = struct.unpack(">I", single)
    short = _brain(raw)
    scale = max(abs(number), abs(largest)) / 127 or 1.0
    code = round(number / scale)  # of two equally near, the even one
    return [
        WrittenNumber("FP32", f"{raw:032b}", floats, struct.unpack(">f", single)[0]),
        WrittenNumber(
            "FP16",
            f"{int.from_bytes(half := _packed('e', number)):016b}",
            (("sign", 1), ("exponent", 5), ("fraction", 10)),
            struct.unpack(">e", half)[0],
        ),
        WrittenNumber(
            "BF16",
            f"{short:016b}",
            (("sign", 1), ("exponent", 8), ("fraction", 7)),
            struct.unpack(">f", struct.pack(">I", short << 16))[0],
        ),
        WrittenNumber("INT8", f"{code & 0xFF:08b}", (("code", 8),), code * scale),
    ]


def _packed(letter: str, number: float) -> bytes:
    """The number in a float of IEEE 754; beyond its largest, infinity."""
    try:
        return struct.pack(f">{letter}", number)
    except OverflowError:
        return struct.pack(f">{letter}", math.copysign(math.inf, number))


def _brain(raw: int) -> int:
    """The upper half of 32 bits, rounded to the nearest, ties to even."""
    if raw & 0x7F800000 == 0x7F800000:  # infinite: rounding would make it no number
        return raw >> 16
    return (raw + 0x7FFF + ((raw >> 16) & 1)) >> 16
