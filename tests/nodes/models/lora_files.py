"""Write small LoRA adapters as GGUF files, with the library that llama.cpp's converters use."""

from __future__ import annotations

from pathlib import Path

LAYERS, WIDTH = 30, 576
"""Of SmolLM2-135M."""


def write_adapter(
    path: Path, seed: int, *, width: int = WIDTH, architecture: str = "llama", layers: int = LAYERS
) -> Path:
    """An adapter of rank 2 on the queries of every layer; `seed` decides what it does."""
    import gguf
    import numpy as np

    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 4.0)
    for layer in range(layers):
        for side, shape in (("a", (2, width)), ("b", (width, 2))):
            values = (random.normal(size=shape) * 0.15).astype(np.float32)
            writer.add_tensor(f"blk.{layer}.attn_q.weight.lora_{side}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
