"""Write small LoRA adapters as PEFT saves them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

OUTPUTS = {"q_proj": 576, "k_proj": 192, "v_proj": 192}
"""Rows of SmolLM2-135M's layers of a kind."""


def write_peft(
    folder: Path, seed: int, targets: Sequence[str] = ("q_proj", "k_proj"), **config: Any
) -> Path:
    """A random adapter of rank 2 on all layers, strong enough to change what is said."""
    import numpy as np
    from safetensors.numpy import save_file

    random = np.random.default_rng(seed)
    tensors = {}
    for layer in range(30):
        for target in targets:
            stem = f"base_model.model.model.layers.{layer}.self_attn.{target}"
            for part, shape in (("A", (2, 576)), ("B", (OUTPUTS[target], 2))):
                values = random.normal(size=shape).astype(np.float32) * 0.15
                tensors[f"{stem}.lora_{part}.weight"] = values
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    told = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": list(targets)}
    (folder / "adapter_config.json").write_text(json.dumps({**told, "bias": "none", **config}))
    return folder
