"""How many bytes numbers take: types of Transformers, and weights quantized by bitsandbytes.

8 bits: LLM.int8(), Dettmers et al. 2022, https://arxiv.org/abs/2208.07339 (one scale a row).
4 bits: QLoRA, Dettmers et al. 2023, https://arxiv.org/abs/2305.14314 (NF4 or FP4 in blocks of 64,
whose scales may be quantized once more, "double quantization").
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from patchbay.nodes import gpus

DType = Literal["auto", "float32", "bfloat16", "float16"]
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}

_BLOCK = 64
"""Weights that share a scale in 4 bits."""
_SCALE_BLOCK = 256
"""Scales that share a scale when they are quantized themselves."""


class Quantization(BaseModel):
    """How the linear layers of a network are stored; what they compute with is `compute`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bits: Literal[4, 8] = 4
    kind: Literal["nf4", "fp4"] = "nf4"
    double: bool = True
    compute: DType = "auto"

    def weight_bytes(self, rows: int, columns: int) -> int:
        """Bytes of one layer with so many outputs and inputs, scales included."""
        count = rows * columns
        if self.bits == 8:
            return count + 4 * rows
        blocks = -(-count // _BLOCK)
        scales = blocks + 4 * -(-blocks // _SCALE_BLOCK) if self.double else 4 * blocks
        return -(-count // 2) + scales

    def __str__(self) -> str:
        if self.bits == 8:
            return "int8"
        return f"{self.kind.upper()}{', double quantized' if self.double else ''}"


def dtype_on(device: str, dtype: DType) -> str:
    """The type that `auto` means: 32 bits on a processor, which computes with fewer only slowly.

    Args:
        device: as it is set; `auto` is a graphics card where one is usable.
        dtype: likewise.
    """
    if dtype != "auto":
        return dtype
    on_processor = device == "cpu" or (device == "auto" and not gpus.usable())
    return "float32" if on_processor else "bfloat16"
