"""What training takes by arithmetic: the paper's example, and against a network that is made."""

from __future__ import annotations

from typing import get_args

import pytest

from patchbay.nodes.testing import run_node
from patchbay.nodes.training.calculator import AdapterCalculator
from patchbay.nodes.training.sizes import (
    NETWORKS,
    LoraPlace,
    NetworkShape,
    lora_parameters,
    training_sizes,
)


def test_the_example_of_the_lora_paper() -> None:
    out = run_node(AdapterCalculator, {}, {})
    assert out["claim"] == (
        "GPT-3 (175B), rank 4 on query and value: memory 1,400 GB → 350 GB, checkpoint 350 GB → "
        "37.7 MB, 9,272 times smaller."
    )
    # 35 MB as the paper says them: of 2²⁰ bytes.
    assert round(lora_parameters(NETWORKS["GPT-3 (175B)"], 4, "query and value") * 2 / 2**20) == 36
    assert [row[0] for row in out["table"].rows] == ["all weights", "LoRA", "QLoRA (4 bits)"]
    assert len(out["memory"].rows) == 9


def test_bits_of_the_states_count() -> None:
    full, lora, quantized = training_sizes(NETWORKS["Llama 2 (7B)"], 8, "all layers", 16, 32)
    assert full.memory == pytest.approx(6.74e9 * (2 + 2 + 8))
    assert quantized.memory < lora.memory < full.memory
    assert lora.checkpoint == lora.trained * 2


@pytest.mark.parametrize("where", get_args(LoraPlace))
def test_parameters_are_those_that_peft_makes(where: LoraPlace) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=6,
        num_key_value_heads=2, vocab_size=64,
    )  # fmt: skip
    names = {
        "query and value": ["q_proj", "v_proj"],
        "attention": ["q_proj", "k_proj", "v_proj", "o_proj"],
        "feed-forward": ["gate_proj", "up_proj", "down_proj"],
    }
    names["all layers"] = names["attention"] + names["feed-forward"]
    made = get_peft_model(LlamaForCausalLM(config), LoraConfig(r=4, target_modules=names[where]))
    trained = sum(p.numel() for p in made.parameters() if p.requires_grad)
    assert lora_parameters(NetworkShape(1, 2, 48, 80, 16, 3), 4, where) == trained


def test_a_network_of_ones_own() -> None:
    params = {"network": "of these numbers", "parameters": 1e9, "rank": 8}
    assert "1,000,000,000 parameters" in run_node(AdapterCalculator, params, {})["table"].title
