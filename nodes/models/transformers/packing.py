"""4-bit weights on a processor: put into the order that it computes with, once, when loaded.

Where a processor has AVX512-BF16, bitsandbytes 0.50 rearranges 4-bit weights inside the first
answer, and makes their scales coarser. A network would so be another before its first answer than
after it. Here that happens while it is loaded; what reads weights later reads the arranged ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_BLOCK = 32
"""Rows that bitsandbytes arranges together; a layer with others left over would fail."""


def settle(model: Any) -> None:
    """Bring every 4-bit layer on a processor into the form that it will keep."""
    import torch

    layers = [layer for layer in model.modules() if _rearranges(layer)]
    with torch.inference_mode():
        for layer in layers:
            rows, columns = layer.out_features, layer.in_features
            blocks = layer.weight.quant_state.blocksize
            if rows % _BLOCK or columns % blocks:
                layer.support_avx512bf16_for_cpu = False
                continue
            given = torch.zeros(1, columns, dtype=layer.compute_dtype or torch.float32)
            layer(given)


def keep_unpacked(model: Any) -> None:
    """Have no 4-bit layer arranged anew, for a network that is trained.

    bitsandbytes arranges the weights in the first pass without gradients, also where that is only
    to measure; what it then computes backwards is of the wrong order, and nothing is learned.
    """
    for layer in model.modules():
        if _rearranges(layer):
            layer.support_avx512bf16_for_cpu = False


def unpacked(weight: Any) -> torch.Tensor:
    """The numbers of 4-bit weights, outputs x inputs, whether they are arranged or not."""
    import torch
    from bitsandbytes.functional import dequantize_4bit

    state = weight.quant_state
    if not getattr(state, "packing_format_for_cpu", False):
        return dequantize_4bit(weight.data, state).float()
    rows, columns = state.shape
    # Each 32 bytes hold 64 codes: 32 in the low halves, then 32 in the high ones. The codes are
    # those of 32 rows, two columns at a time.
    lines = weight.data.reshape(-1, _BLOCK)
    codes = torch.cat([lines & 0xF, lines >> 4], dim=-1)
    codes = codes.reshape(rows // _BLOCK, columns // 2, _BLOCK, 2).transpose(1, 2)
    levels = state.code.float()[codes.reshape(rows, columns).long()]
    return levels * state.absmax.float().T.repeat_interleave(state.blocksize, dim=1)


def _rearranges(layer: Any) -> bool:
    found = bool(getattr(layer, "support_avx512bf16_for_cpu", False))  # 4-bit layers have it
    return found and layer.weight.device.type == "cpu"
