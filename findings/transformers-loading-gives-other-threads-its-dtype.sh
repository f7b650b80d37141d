#!/usr/bin/env bash
# Guess: a model that is loaded with `dtype=torch.bfloat16` in one thread changes nothing for what another thread makes meanwhile.
# What happens: `from_pretrained` sets PyTorch's default dtype for the whole process while it makes the network, so that layers which
# another thread makes in these moments are in bfloat16, for good, where they would be in float32.
# Seen with transformers 5.24.0 and torch 2.13.0 on 2026-11-30.
# Why it matters: flows and servers load one model while others answer or are made. What comes out is a model of the wrong precision
# once in a while, or an error about two dtypes in a place that has nothing to do with the load. One at a time, behind a lock, is safe.
source "$(dirname "$0")/_env.sh"
packages 'transformers==5.24.0' 'torch==2.13.0'
"$PY" - <<'PY'
import tempfile
import threading
from collections import Counter
from importlib.metadata import version

import torch
from transformers import AutoModelForCausalLM, LlamaConfig
from transformers.utils import logging

logging.disable_progress_bar()
config = LlamaConfig(
    vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=64,
    num_attention_heads=2, num_key_value_heads=2,
)
made = Counter()
with tempfile.TemporaryDirectory() as folder:
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    load = threading.Thread(
        target=AutoModelForCausalLM.from_pretrained, args=(folder,), kwargs={"dtype": torch.bfloat16}
    )
    load.start()
    while load.is_alive():
        made[torch.nn.Linear(4, 4).weight.dtype] += 1
    load.join()
after = torch.nn.Linear(4, 4).weight.dtype
print("transformers", version("transformers"), "torch", version("torch"))
print(f"  made by another thread while it loaded: {dict(made)}")
print(f"  made afterwards: {after}")
raise SystemExit(0 if made[torch.bfloat16] and after is torch.float32 else 1)
PY
