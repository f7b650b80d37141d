#!/usr/bin/env bash
# Guess: `generate()` of a model with a learned prefix (or prompt) gives the tokens that its own forward pass holds most likely.
# What happens: with the cache, which is on by default, a prefix is dropped: the answers are the base model's, token by token. A
# prompt's virtual tokens are fed in again as it goes on, and the answers are neither model's. With use_cache=False a prompt is
# right; a prefix works for some tokens and then departs from the forward pass. Nothing fails; a FutureWarning says that
# `past_key_values` is ignored where `cache` is set too, which is where the prefix goes.
# Seen with peft 0.21.2, transformers 5.24.0, torch 2.13.0 on 2026-11-29. Random weights stand for learned ones.
# Why it matters: the loss says that the adapter has learned, and the flow that serves it answers as if it had not, or worse.
# Compare an answer with the base model's before serving; set use_cache=False for prompt tuning.
source "$(dirname "$0")/_env.sh"
packages 'torch==2.13.0' 'peft==0.21.2' 'transformers==5.24.0'
"$PY" - <<'PY' 2>"$HERE/said"
from importlib.metadata import version

import torch
from peft import PrefixTuningConfig, PromptTuningConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
config = LlamaConfig(vocab_size=64, num_key_value_heads=4, **shape)
print("peft", version("peft"), "transformers", version("transformers"), "torch", torch.__version__)


def generated(model, asked, **options):
    limits = {"max_new_tokens": 12, "min_new_tokens": 12, "do_sample": False, "pad_token_id": 0}
    tokens = model.generate(input_ids=asked, attention_mask=torch.ones_like(asked), **limits, **options)
    return tokens[:, asked.shape[1] :].tolist()


@torch.no_grad()
def forward(model, asked):
    """The most likely next token, twelve times, from nothing but the forward pass."""
    tokens = asked
    for _ in range(12):
        best = model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits[:, -1].argmax(-1, keepdim=True)
        tokens = torch.cat([tokens, best], 1)
    return tokens[:, asked.shape[1] :].tolist()


found = {}
for kind in (PrefixTuningConfig, PromptTuningConfig):
    torch.manual_seed(0)
    base = LlamaForCausalLM(config).eval()
    base.generation_config.eos_token_id = None
    asked = torch.randint(3, 64, (3, 6))
    plain = generated(base, asked)
    checked = forward(base, asked) == plain
    model = get_peft_model(base, kind(task_type="CAUSAL_LM", num_virtual_tokens=8)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.mul_(3)
    right = forward(model, asked)
    cached, uncached = generated(model, asked), generated(model, asked, use_cache=False)
    print(f"  {kind.__name__} (the base model's generate() agrees with its forward pass: {checked})")
    for name, answers in (("base model", plain), ("forward", right), ("generate", cached), ("use_cache=False", uncached)):
        print(f"    {name:16}{answers[0]}")
    found[kind] = (checked, cached == plain, cached == right, uncached == right)
expected = {PrefixTuningConfig: (True, True, False, False), PromptTuningConfig: (True, False, False, True)}
raise SystemExit(0 if found == expected else 1)
PY
