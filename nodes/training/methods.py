"""From the method that a person chose to a config of PEFT."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.transformers.anatomy import inside
from patchbay.nodes.models.transformers.precision import Quantization
from patchbay.nodes.training.held_out import measuring
from patchbay.nodes.training.settings import LAST, LEADING, TrainingParams, TrainingSettings


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

    if params.method in LEADING:
        return _leading(params, network)
    targets, task = _targets(settings, network), task_of(network)
    if params.method == "Houlsby":
        from patchbay.nodes.training.houlsby import houlsby_config

        return houlsby_config(targets, params.rank, params.dropout, task)
    if params.method == "IA3":
        inputs = [name for name in targets if name in LAST]
        return IA3Config(target_modules=targets, feedforward_modules=inputs, task_type=task)
    return LoraConfig(target_modules=targets, task_type=task, **settings.lora())


def task_of(network: Any) -> str:
    """What PEFT calls the task of a network: writing on, or answering what an encoder has read."""
    return task_type(bool(network.config.is_encoder_decoder))


def task_type(encodes: bool) -> str:
    """Likewise, of one with an encoder or without."""
    return "SEQ_2_SEQ_LM" if encodes else "CAUSAL_LM"


def _leading(params: TrainingParams, network: Any) -> Any:
    from peft import PrefixTuningConfig, PromptTuningConfig

    if network.config.is_encoder_decoder:
        # PEFT would make virtual tokens for the decoder too, which its prompt tuning never reads.
        return PromptTuningConfig(
            num_virtual_tokens=params.virtual_tokens, num_transformer_submodules=1,
            task_type=task_of(network),
        )  # fmt: skip
    config = network.config.get_text_config()
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if params.method == "prefix tuning" and head * config.num_attention_heads != config.hidden_size:
        raise NodeError(
            f"PEFT trains prefixes only for heads that share the width of the model evenly; here "
            f"{config.num_attention_heads} heads of {head} are not {config.hidden_size}.",
            fix='Set the method to "prompt tuning" or "LoRA".',
            param="method",
            code="training/no-layers",
            retry=False,
        )
    kind = PromptTuningConfig if params.method == "prompt tuning" else PrefixTuningConfig
    return kind(num_virtual_tokens=params.virtual_tokens, task_type="CAUSAL_LM")


def begin(settings: TrainingSettings, network: Any, tokenizer: Any) -> None:
    """Let the virtual tokens of a network of PEFT begin as real ones.

    As the text that is set, or as tokens that are drawn. A prefix begins as the keys and values
    that the base computes of them (Li & Liang 2021, section 7.4). Both then act at first as that
    text would; PEFT's own start is noise, or zeros, which make all tokens of a prefix the same for
    good.
    """
    import torch

    if settings.params.method not in LEADING:
        return
    held = network.prompt_encoder[network.active_adapter].embedding.weight
    count, table = held.shape[0], network.get_input_embeddings().weight
    ids = tokenizer(settings.params.prompt_start, add_special_tokens=False)["input_ids"]
    if not ids:
        draw = torch.Generator().manual_seed(settings.params.seed)
        ids = torch.randint(len(tokenizer), (count,), generator=draw).tolist()
    tokens = torch.tensor([(ids * count)[:count]], device=table.device)
    with torch.no_grad(), network.disable_adapter(), measuring(network):
        if settings.params.method == "prompt tuning":
            held.copy_(table[tokens[0]])
            return
        cache = network(input_ids=tokens, use_cache=True).cache
        parts = [part[0] for layer in cache.layers for part in (layer.keys, layer.values)]
        # Layers and parts x heads x tokens x width, to tokens x all else.
        held.copy_(torch.stack(parts).permute(2, 0, 1, 3).reshape(count, -1))


def _targets(settings: TrainingSettings, network: Any) -> list[str]:
    """The layers that are asked for and there."""
    asked = settings.targets(bool(network.config.is_encoder_decoder))
    linear = sorted({
        name.rsplit(".", 1)[-1]
        for name, layer in network.named_modules()
        if inside(name) and getattr(getattr(layer, "weight", None), "ndim", 0) == 2
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
