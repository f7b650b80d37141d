"""What quantization loses, and what it saves: pure sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patchbay.nodes.quantization.schemes import Numbers

WIDTHS = (64, 32, 16, 8, 4)
"""Bits per number that storage is shown for."""


@dataclass(slots=True)
class Loss:
    """Differences between numbers and what came back, summed over any number of arrays."""

    count: int = 0
    absolute: float = 0.0
    squared: float = 0.0
    largest: float = 0.0
    stored_bits: float = 0.0

    def add(self, numbers: Numbers, restored: Numbers, bits: float) -> Loss:
        """Take in one array, stored with `bits` per number; gives itself."""
        import numpy as np

        off = np.abs(numbers - restored)
        squared = float(np.square(off).sum(dtype=np.float64))
        absolute, largest = float(off.sum(dtype=np.float64)), float(off.max(initial=0))
        return self.merge(Loss(int(off.size), absolute, squared, largest, bits * off.size))

    def merge(self, other: Loss) -> Loss:
        """Take in what another has summed; gives itself."""
        self.count += other.count
        self.absolute += other.absolute
        self.squared += other.squared
        self.largest = max(self.largest, other.largest)
        self.stored_bits += other.stored_bits
        return self

    @property
    def mean(self) -> float:
        """The mean absolute difference."""
        return self.absolute / self.count if self.count else 0.0

    @property
    def rms(self) -> float:
        """The root of the mean squared difference."""
        return (self.squared / self.count) ** 0.5 if self.count else 0.0

    @property
    def bits(self) -> float:
        """Bits per number, scales included."""
        return self.stored_bits / self.count if self.count else 0.0


def storage(parameters: int, widths: tuple[int, ...] = WIDTHS) -> dict[int, float]:
    """Bytes that so many parameters take, by the bits of each."""
    return {width: parameters * width / 8 for width in widths}
