"""Where the tensors of a GGUF file lie, and one of them as numbers. Nothing else is read.

The `gguf` package's reader takes many seconds over a large vocabulary; here it is stepped over.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from nodes.contract import NodeError
from nodes.models.header import MAGIC

if TYPE_CHECKING:
    from nodes.quantization.schemes import Numbers

_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a scalar, by its type number."""
_STRING, _ARRAY, _UINT32 = 8, 9, 4
_ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class Place:
    """A tensor in a file. `shape` has rows first; `start` counts bytes from the file's begin."""

    name: str
    shape: tuple[int, ...]
    type: int
    start: int

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


def places(path: Path) -> list[Place]:
    """Every tensor of the file, in its order.

    Raises:
        NodeError: it is not a GGUF file, or damaged.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Scan(data).places()
    except (OSError, ValueError, IndexError, struct.error, UnicodeDecodeError) as error:
        raise NodeError(
            f"{path.name} is not a readable GGUF file: {error}.",
            fix="Fetch the weights again, or name another file.",
            port="model",
            code="quantization/unreadable",
            retry=False,
        ) from error


def read(path: Path, place: Place) -> Numbers:
    """One tensor as 32-bit floats, whatever it is stored as."""
    import numpy as np
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
    from gguf.quants import dequantize

    kind = GGMLQuantizationType(place.type)
    per_block, block_bytes = GGML_QUANT_SIZES[kind]
    size = place.count // per_block * block_bytes
    stored = np.memmap(path, np.uint8, "r", place.start, (size,))
    rows = stored.reshape(-1, place.shape[-1] // per_block * block_bytes)
    return np.asarray(dequantize(rows, kind), np.float32).reshape(place.shape)


class _Scan:
    """Steps through the head of a file."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._at = data, 0

    def places(self) -> list[Place]:
        if self._data[:4] != MAGIC:
            raise ValueError("its first four bytes are not GGUF")
        self._at = 4
        version, tensors, entries = self._take("<IQQ")
        if version < 2 or max(tensors, entries) > 1_000_000:
            raise ValueError("an unknown version of the format")
        alignment = _ALIGNMENT
        for _ in range(entries):
            key, kind = self._text(), self._take("<I")[0]
            if key == "general.alignment" and kind == _UINT32:
                alignment = struct.unpack_from("<I", self._data, self._at)[0] or _ALIGNMENT
            self._skip(kind)
        found = [self._tensor() for _ in range(tensors)]
        base = -(-self._at // alignment) * alignment
        return [Place(p.name, p.shape, p.type, base + p.start) for p in found]

    def _tensor(self) -> Place:
        name = self._text()
        (dimensions,) = self._take("<I")
        if dimensions > 8:
            raise ValueError(f"{name} has {dimensions} dimensions")
        shape = self._take(f"<{dimensions}Q")
        kind, offset = self._take("<IQ")
        return Place(name, tuple(reversed(shape)), kind, offset)

    def _take(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return values

    def _text(self) -> str:
        (length,) = self._take("<Q")
        start, self._at = self._at, self._at + length
        return self._data[start : self._at].decode("utf-8", "replace")

    def _skip(self, kind: int) -> None:
        if kind in _SIZES:
            self._at += _SIZES[kind]
        elif kind == _STRING:
            self._at += 8 + struct.unpack_from("<Q", self._data, self._at)[0]
        elif kind == _ARRAY:
            inner, count = self._take("<IQ")
            if inner in _SIZES:
                self._at += _SIZES[inner] * count
                return
            for _ in range(count):
                self._skip(inner)
        else:
            raise ValueError(f"a value of the unknown type {kind}")
