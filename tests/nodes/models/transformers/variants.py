"""Adapters of every kind that PEFT's config can describe, saved by PEFT on a tiny network."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.nodes.models import tiny

PROMPT = [5, 60, 200, 31, 7, 101]
"""Tokens that all are asked with."""


@dataclass(frozen=True)
class Variant:
    """What PEFT's config says, and which backends honour it; else the word that they refuse."""

    config: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""
    """The field in the message of both backends."""
    gguf: str = ""
    """What llama.cpp's files cannot say: words of the message; the Transformers backend can."""
    tied: bool = True
    biases: bool = False
    edited: Mapping[str, Any] = field(default_factory=dict)
    """Written into the config afterwards, where PEFT cannot make such an adapter here."""


VARIANTS: Mapping[str, Variant] = {
    "plain": Variant(),
    "all linear": Variant({"target_modules": "all-linear"}),
    "a regular expression": Variant({"target_modules": r".*layers\.1\..*(k_proj|up_proj)"}),
    "some layers": Variant({"layers_to_transform": [1]}),
    "a pattern of layers": Variant({"layers_to_transform": 0, "layers_pattern": "layers"}),
    "modules left out": Variant({"exclude_modules": ["model.layers.0.self_attn.q_proj"]}),
    "alpha of nothing": Variant({"lora_alpha": 0}),
    "alpha below nothing": Variant({"lora_alpha": -3}),
    "rank-stabilized": Variant({"use_rslora": True, "r": 4}),
    "ranks by layer": Variant({"rank_pattern": {"layers.1.self_attn.v_proj": 4}}),
    "alphas by layer": Variant({"alpha_pattern": {"q_proj": 12, r".*layers\.1.*v_proj": 0}}),
    "both, rank-stabilized": Variant(
        {"rank_pattern": {"q_proj": 3}, "alpha_pattern": {"v_proj": 9}, "use_rslora": True}
    ),
    "dropout": Variant({"lora_dropout": 0.5}),
    "begun gaussian": Variant({"init_lora_weights": "gaussian"}),
    "begun orthogonal": Variant({"init_lora_weights": "orthogonal"}),
    "begun with MiCA": Variant({"init_lora_weights": "mica"}),
    "begun with EVA": Variant(edited={"init_lora_weights": "eva"}),
    "VeLoRA": Variant({"velora_config": {"num_groups": 4}}),
    "a field without a value": Variant(edited={"a_field_of_tomorrow": None}),
    "tied weights": Variant({"ensure_weight_tying": True}),
    "DoRA": Variant({"use_dora": True}, gguf="use_dora"),
    "DoRA everywhere": Variant(
        {"use_dora": True, "target_modules": "all-linear", "use_rslora": True}, gguf="use_dora"
    ),
    "biases of the matrices": Variant({"lora_bias": True}, gguf="lora_bias"),
    "biases of the base": Variant({"bias": "all"}, gguf="whole layers", biases=True),
    "biases of its layers": Variant({"bias": "lora_only"}, gguf="whole layers", biases=True),
    "biases where there are none": Variant({"bias": "all"}),
    "PiSSA": Variant({"init_lora_weights": "pissa"}, gguf="pissa"),
    "OLoRA": Variant({"init_lora_weights": "olora"}, gguf="olora"),
    "the head saved": Variant({"modules_to_save": ["lm_head"]}, gguf="lm_head"),
    "an untied head saved": Variant({"modules_to_save": ["lm_head"]}, gguf="lm_head", tied=False),
    "the embeddings saved": Variant({"modules_to_save": ["embed_tokens"]}, gguf="embed_tokens"),
    "norms and a layer saved": Variant(
        {"modules_to_save": ["input_layernorm", "up_proj"]}, gguf="whole layers"
    ),
    "on the embeddings": Variant({"target_modules": ["embed_tokens", "q_proj"]}, gguf="embed"),
    "on the head": Variant({"target_modules": ["lm_head", "q_proj"]}, gguf="lm_head"),
    "on both, tied": Variant(
        {"target_modules": ["embed_tokens", "lm_head"], "ensure_weight_tying": True}, gguf="lm_head"
    ),
    "DoRA on the embeddings": Variant(
        {"target_modules": ["embed_tokens"], "use_dora": True}, gguf="use_dora"
    ),
    "activated": Variant(
        edited={"alora_invocation_tokens": [7, 8]}, refused="alora_invocation_tokens"
    ),
    "single tokens": Variant(
        {"trainable_token_indices": [1, 2]}, refused="trainable_token_indices"
    ),
    "single parameters": Variant(
        {"target_modules": [], "target_parameters": ["mlp.gate_proj.weight"]},
        refused="target_parameters",
    ),
    "layers repeated": Variant({"layer_replication": [[0, 2], [1, 2]]}, refused="layer_replic"),
    "KaSA": Variant({"kasa_config": {}}, refused="kasa_config"),
    "MonteCLoRA": Variant({"monteclora_config": {}}, refused="monteclora_config"),
    "QA-LoRA": Variant({"use_qalora": True}, refused="use_qalora"),
    "blocks": Variant(edited={"use_bdlora": {"nblocks": 2}}, refused="use_bdlora"),
    "a router": Variant(edited={"arrow_config": {"top_k": 1}}, refused="arrow_config"),
    "Megatron": Variant(edited={"megatron_config": {"a": 1}}, refused="megatron_config"),
    "PiSSA by chance": Variant(
        {"init_lora_weights": "pissa_niter_4"}, refused="init_lora_weights"
    ),
    "CorDA": Variant(edited={"init_lora_weights": "corda"}, refused="init_lora_weights"),
    "LoftQ": Variant(edited={"init_lora_weights": "loftq"}, refused="init_lora_weights"),
    "LoRA-GA": Variant({"init_lora_weights": "lora_ga"}, refused="init_lora_weights"),
    "a field of tomorrow": Variant(
        edited={"a_field_of_tomorrow": "on"}, refused="a_field_of_tomorrow"
    ),
    "ranks of another file": Variant(edited={"r": 5}, refused="says rank 5"),
    "layers of another file": Variant(edited={"target_modules": ["k_proj"]}, refused="leave out"),
}  # fmt: skip


def base(variant: Variant) -> Any:
    """The network that a variant belongs to."""
    return tiny.network(tied=variant.tied, biases=variant.biases)


def write(variant: Variant, folder: Path, seed: int = 1) -> Path:
    """Make an adapter with PEFT, move what it trains at random, and save it."""
    import torch
    from peft import LoraConfig, get_peft_model

    said = {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"], **variant.config}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        model = get_peft_model(base(variant), LoraConfig(**said, task_type="CAUSAL_LM"))
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data += torch.randn_like(parameter) * 0.3
        model.save_pretrained(folder)
    about = folder / "adapter_config.json"
    about.write_text(json.dumps(json.loads(about.read_text("utf-8")) | variant.edited), "utf-8")
    return folder


def by_peft(variant: Variant, folder: Path) -> Any:
    """What PEFT's own model gives for the prompt: the scores of every token at each place."""
    import torch
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = PeftModel.from_pretrained(base(variant), str(folder)).eval()
    with torch.inference_mode():
        return model(torch.tensor([PROMPT])).logits[0]
