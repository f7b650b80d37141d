"""Small files of models and adapters, written by hand: what the heads of real ones say."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HIDDEN, INNER, SHARED, VOCABULARY, LAYERS = 16, 32, 8, 64, 2

SHAPES: Mapping[str, tuple[int, int]] = {
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (SHARED, HIDDEN),
    "self_attn.v_proj": (SHARED, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (INNER, HIDDEN),
    "mlp.up_proj": (INNER, HIDDEN),
    "mlp.down_proj": (HIDDEN, INNER),
}


def write_safetensors(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """A file with tensors of zeros, 16 bits each."""
    head: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        size = 2
        for n in shape:
            size *= n
        head[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))


def folder_like(folder: Path) -> Path:
    """A folder as of a tiny Llama."""
    folder.mkdir(parents=True)
    config = {
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "num_hidden_layers": LAYERS,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": 128,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCABULARY, HIDDEN)}
    for layer in range(LAYERS):
        shapes |= {f"model.layers.{layer}.{k}.weight": shape for k, shape in SHAPES.items()}
    write_safetensors(folder / "model.safetensors", shapes)
    return folder


def adapter_like(
    folder: Path,
    *,
    rank: int = 2,
    layers: int = LAYERS,
    targets: Mapping[str, tuple[int, int]] | None = None,
    extra: Mapping[str, tuple[int, ...]] | None = None,
    **config: Any,
) -> Path:
    """A folder as PEFT saves one, for the tiny Llama unless said otherwise."""
    folder.mkdir(parents=True)
    targets = targets or {"self_attn.q_proj": SHAPES["self_attn.q_proj"]}
    kinds = sorted({name.rsplit(".", 1)[-1] for name in targets})
    about = {
        "peft_type": "LORA", "r": rank, "lora_alpha": 4, "target_modules": kinds,
        "base_model_name_or_path": "someone/tiny", **config,
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(about), encoding="utf-8")
    shapes: dict[str, tuple[int, ...]] = dict(extra or {})
    for layer in range(layers):
        for name, (rows, columns) in targets.items():
            stem = f"base_model.model.model.layers.{layer}.{name}"
            shapes[f"{stem}.lora_A.weight"] = (rank, columns)
            shapes[f"{stem}.lora_B.weight"] = (rows, rank)
    write_safetensors(folder / "adapter_model.safetensors", shapes)
    return folder
