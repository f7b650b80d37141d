#!/usr/bin/env bash
# Guess: PrefixTuningConfig(init_weights="zero") starts, as documented, as a no-op, and then learns num_virtual_tokens tokens.
# What happens: neither. Zero keys still draw attention away from the prompt, so the answers differ from the first step on; and
# all virtual tokens are alike, get the same gradient and stay alike to the bit, however long one trains: eight tokens are
# one. With the random start they are eight.
# Seen with peft 0.21.2, transformers 5.24.0, torch 2.13.0 on 2026-11-29.
# Why it matters: it is chosen for a gentle start; the loss falls, less than it could, and more virtual tokens never help. Add a
# little noise to the prefix before training.
source "$(dirname "$0")/_env.sh"
packages 'torch==2.13.0' 'peft==0.21.2' 'transformers==5.24.0'
"$PY" - <<'PY' 2>"$HERE/said"
from importlib.metadata import version

import torch
from peft import PrefixTuningConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
config = LlamaConfig(vocab_size=64, num_key_value_heads=4, **shape)
print("peft", version("peft"), "transformers", version("transformers"), "torch", torch.__version__)
alike, shifts = {}, {}
for start in (None, "zero"):
    torch.manual_seed(0)
    base = LlamaForCausalLM(config).eval()
    tokens = torch.randint(0, 64, (4, 12))
    with torch.no_grad():
        before = base(tokens).logits
    prefix = PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=8, init_weights=start)
    model = get_peft_model(base, prefix).eval()
    with torch.no_grad():
        shifts[start] = (model(tokens).logits - before).abs().max().item()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=0.01)
    for _ in range(30):
        optimizer.zero_grad()
        loss = model(tokens, labels=tokens).loss
        loss.backward()
        optimizer.step()
    learned = weights[0].detach()
    alike[start] = len(torch.unique(learned, dim=0))
    print(f"  init_weights={start}: logits shifted by up to {shifts[start]:.2f} before training;")
    print(f"    after 30 steps {alike[start]} different tokens of {len(learned)}, largest weight {learned.abs().max():.2f}")
raise SystemExit(0 if alike == {None: 8, "zero": 1} and shifts["zero"] > 0.01 else 1)
PY
