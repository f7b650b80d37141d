"""From the method that a person chose to a config of PEFT."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.transformers.precision import Quantization
from patchbay.nodes.training.settings import SCALED, TrainingSettings


def bits_of(settings: TrainingSettings) -> Quantization | None:
    """How the frozen weights are stored: QLoRA in 4 bits (Dettmers et al. 2023)."""
    if settings.params.method == "QLoRA":
        return Quantization(bits=4, kind="nf4", double=True)
    return Quantization(bits=8) if settings.params.method == "8 bits" else None


def peft_config(settings: TrainingSettings, network: Any) -> Any:
    """The config, or None where all weights are trained.

    Raises:
        NodeError: the network has none of the layers.
    """
    params = settings.params
    if params.method == "all weights":
        return None
    from peft import IA3Config, LoraConfig

    targets = _targets(settings, network)
    if params.method == "IA3":
        inputs = [name for name in targets if name == SCALED[2]]
        return IA3Config(target_modules=targets, feedforward_modules=inputs, task_type="CAUSAL_LM")
    return LoraConfig(target_modules=targets, task_type="CAUSAL_LM", **settings.lora())


def _targets(settings: TrainingSettings, network: Any) -> list[str]:
    """The layers that are asked for and there."""
    asked = settings.targets()
    linear = sorted({
        name.rsplit(".", 1)[-1]
        for name, layer in network.named_modules()
        if ".layers." in f".{name}" and getattr(getattr(layer, "weight", None), "ndim", 0) == 2
    })  # fmt: skip
    missing = [name for name in asked if name not in linear]
    if not asked or (settings.params.layers == "by name" and missing) or len(missing) == len(asked):
        raise NodeError(
            f"The model has no layers named {', '.join(missing) or '(none given)'}; it has: "
            f"{', '.join(linear)}.",
            fix='Set the layers to "by name" and name some of them.',
            param="names" if settings.params.layers == "by name" else "layers",
            code="training/no-layers",
            retry=False,
        )
    return [name for name in asked if name in linear]
