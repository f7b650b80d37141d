"""Houlsby's adapters: a narrow layer behind the last layer of attention and of feed-forward.

Houlsby et al. 2019, "Parameter-Efficient Transfer Learning for NLP", arXiv:1902.00751. PEFT has
none. Here they are a layer of its LoRA (its way for layers of others), so that trainers keep, load
and switch them off as they do LoRA's matrices; a trained one is saved under names of its own, since
nothing but Patchbay reads them as what they are.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from patchbay.nodes.models.transformers.adapter import CONFIG, HOULSBY, WEIGHTS
from patchbay.nodes.training.settings import TrainingSettings

SPREAD = 1e-2
"""Standard deviation that the first layer begins with, as in the paper; the second is zero, so that
nothing is changed at first."""


def houlsby_config(targets: list[str], width: int, dropout: float, task: str = "CAUSAL_LM") -> Any:
    """The config for PEFT.

    Args:
        targets: layers behind which a narrow one comes.
        width: numbers between its two halves.
        dropout: the share of its inputs that is left out in each step.
        task: in the word of PEFT.
    """
    import torch
    from peft import LoraConfig

    config = LoraConfig(
        r=width, lora_alpha=width, lora_dropout=dropout, target_modules=targets,
        task_type=task,
    )  # fmt: skip
    config._register_custom_module({torch.nn.Linear: _layer()})
    return config


@lru_cache
def _layer() -> Any:
    import torch
    from peft.tuners.lora.layer import Linear

    class Bottleneck(Linear):
        """y + B gelu(A y + a) + b, for what the layer gives as y."""

        def update_layer(self, adapter_name: str, r: int, **named: Any) -> None:
            super().update_layer(adapter_name, r, **named)
            narrow = torch.nn.Linear(self.out_features, r)
            wide = torch.nn.Linear(r, self.out_features)
            torch.nn.init.normal_(narrow.weight, std=SPREAD)
            torch.nn.init.zeros_(narrow.bias)
            torch.nn.init.zeros_(wide.weight)
            torch.nn.init.zeros_(wide.bias)
            self.lora_A[adapter_name], self.lora_B[adapter_name] = narrow, wide
            self._move_adapter_to_device_of_base_layer(adapter_name)

        def forward(self, x: Any, *args: Any, **named: Any) -> Any:
            gave = self.base_layer(x, *args, **named)
            if self.disable_adapters:
                return gave
            added = gave
            for name in self.active_adapters:
                narrow, wide = self.lora_A[name], self.lora_B[name]
                held = self.lora_dropout[name](gave.to(narrow.weight.dtype))
                added = added + wide(torch.nn.functional.gelu(narrow(held)))
            return added.to(gave.dtype)

    return Bottleneck


def renamed(folder: Path, settings: TrainingSettings) -> None:
    """Give what PEFT saved the names of what it is."""
    saved = json.loads((folder / CONFIG).read_text("utf-8"))
    from safetensors.torch import load_file, save_file

    held = load_file(folder / WEIGHTS)
    halves = (("lora_A", "houlsby_down"), ("lora_B", "houlsby_up"))
    for old, new in halves:
        held = {name.replace(f".{old}.", f".{new}."): t for name, t in held.items()}
    save_file(held, folder / WEIGHTS)
    config = {
        "peft_type": HOULSBY,
        "task_type": saved["task_type"],
        "r": settings.params.rank,
        "target_modules": sorted(saved["target_modules"]),
    }
    (folder / CONFIG).write_text(json.dumps(config) + "\n", "utf-8")
