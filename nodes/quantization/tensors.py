"""The tensors of a model's weights: what there is, by name, and one of them at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.text.patterns import fits

if TYPE_CHECKING:
    from patchbay.nodes.quantization.schemes import Numbers

_NAMES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Tensor:
    """An array of numbers, in a safetensors file or (without a `file`) given as it is."""

    name: str
    shape: tuple[int, ...]
    file: Path | None = None
    given: Any = None

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)

    def read(self) -> Numbers:
        """The numbers, as 32-bit floats. Only this tensor is read."""
        if self.file is None:
            return self.given
        from safetensors import safe_open

        with safe_open(str(self.file), framework="pt") as opened:
            return opened.get_tensor(self.name).float().numpy()


def in_folder(folder: Path) -> list[Tensor]:
    """Every tensor of a folder with safetensors, read from their headers alone.

    Raises:
        NodeError: a header cannot be read.
    """
    found: list[Tensor] = []
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with file.open("rb") as opened:
                size = int.from_bytes(opened.read(8), "little")
                header = json.loads(opened.read(size))
        except (OSError, ValueError, MemoryError, OverflowError) as error:
            raise _unreadable(file, error) from error
        header.pop("__metadata__", None)
        found += [Tensor(name, tuple(about["shape"]), file) for name, about in header.items()]
    return found


def from_numbers(value: Any) -> Tensor:
    """A matrix (or a row) of numbers, as JSON gives it.

    Raises:
        NodeError: it is none.
    """
    import numpy as np

    try:
        numbers = np.array(value, np.float32)
    except (ValueError, TypeError):
        numbers = np.zeros(0, np.float32)
    if not numbers.size or not np.isfinite(numbers).all():
        raise NodeError(
            '"numbers" takes a matrix of finite numbers, such as [[5.47, 3.08], [0, -1.95]].',
            fix="Give rows of equal length, with numbers only.",
            port="numbers",
            code="quantization/numbers",
            retry=False,
        )
    return Tensor("numbers", numbers.shape, given=numbers)


def chosen(tensors: Iterable[Tensor], pattern: str) -> list[Tensor]:
    """The matrices whose names hold a pattern, in which only `*` is special: it
    stands for any text.

    Vectors, such as norms, are left out: quantizers leave them as they are.

    Raises:
        NodeError: none fits; the message shows names that there are.
    """
    matrices = [tensor for tensor in tensors if len(tensor.shape) > 1]
    found = [tensor for tensor in matrices if fits(tensor.name, f"*{pattern}*")]
    if not found:
        names = ", ".join(tensor.name for tensor in matrices[:_NAMES_SHOWN])
        raise NodeError(
            f"No matrix of the model is named like {pattern!r}. "
            f"There are {len(matrices)}, such as: {names}.",
            fix="Use a part of a name, * for any text, or nothing for all.",
            code="quantization/no-tensor",
            retry=False,
        )
    return sorted(found, key=lambda tensor: _natural(tensor.name))


def _natural(name: str) -> list[tuple[int, str]]:
    """Layer 10 comes after layer 2."""
    return [(int(p), "") if p.isdigit() else (-1, p) for p in name.split(".")]


def _unreadable(file: Path, error: Exception) -> NodeError:
    return NodeError(
        f"{file} is not a readable safetensors file: {error}.",
        fix="Fetch the weights again.",
        port="model",
        code="quantization/unreadable",
        retry=False,
    )
