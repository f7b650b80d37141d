#!/usr/bin/env bash
# Guess: `LoraConfig(lora_dropout=0.25)` trains with a dropout of 0.25, whichever trainer of TRL it is given to.
# What happens: DPOConfig, KTOConfig and RewardConfig have `disable_dropout=True` as default, and the trainer applies it after PEFT
# has wrapped the model: the dropout of the adapter that was asked for is set to 0.0 too. No warning. The saved
# adapter_config.json still says 0.25. GRPOConfig and RLOOConfig have False as default, and SFTConfig has no such option.
# Seen with trl 1.16.0, peft 0.21.2, transformers 5.24.0, torch 2.13.0 on 2026-11-29.
# Why it matters: a flow that tries several dropouts with a preference trainer compares the same training with itself, and the
# record of the run names a dropout that was not used. Set disable_dropout=False where the dropout of the adapter is meant.
source "$(dirname "$0")/_env.sh"
packages 'trl==1.16.0' 'peft==0.21.2' 'transformers==5.24.0' 'torch==2.13.0' 'datasets==5.2.0' 'accelerate==1.15.0'
cd "$HERE"
"$PY" -W always - <<'PY' 2>"$HERE/said" || { rc=$?; tail -5 "$HERE/said"; exit $rc; }
import json
from importlib.metadata import version
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification, PreTrainedTokenizerFast
from transformers.trainer_callback import ProgressCallback
from trl import DPOConfig, DPOTrainer, GRPOConfig, KTOConfig, RewardConfig, RewardTrainer, RLOOConfig

words = {word: number for number, word in enumerate("<pad> <s> </s> <unk> say a b yes no".split())}
plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
marks = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, **marks)
shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
config = LlamaConfig(vocab_size=len(words), num_key_value_heads=2, pad_token_id=0, **shape)
rows = Dataset.from_list([{"prompt": f"say {one}", "chosen": " yes", "rejected": " no"} for one in "ab"])
whole = Dataset.from_list([{"chosen": f"say {one} yes", "rejected": f"say {one} no"} for one in "ab"])
print(*(f"{name} {version(name)}" for name in ("trl", "peft", "transformers", "torch")))

found = {}
for trainer, settings, network, task, data in (
    (DPOTrainer, DPOConfig, LlamaForCausalLM, "CAUSAL_LM", rows),
    (RewardTrainer, RewardConfig, LlamaForSequenceClassification, "SEQ_CLS", whole),
):
    for options in ({}, {"disable_dropout": False}):
        torch.manual_seed(0)
        if task == "SEQ_CLS":
            config.num_labels = 1
        asked = LoraConfig(task_type=task, r=2, lora_dropout=0.25, target_modules=["q_proj", "v_proj"])
        args = settings(output_dir="out", use_cpu=True, bf16=False, report_to=[], max_steps=1, **options)
        made = trainer(model=network(config), args=args, train_dataset=data, processing_class=tokenizer, peft_config=asked)
        made.remove_callback(ProgressCallback)
        made.train()
        made.save_model("saved")
        dropouts = sorted({float(part.p) for part in made.model.modules() if isinstance(part, torch.nn.Dropout)})
        written = json.loads(Path("saved/adapter_config.json").read_text())["lora_dropout"]
        print(f"  {trainer.__name__} {options}: dropout of the modules {dropouts}, of the saved adapter_config.json {written}")
        found[trainer, bool(options)] = (dropouts, written)
kinds = (DPOConfig, KTOConfig, RewardConfig, GRPOConfig, RLOOConfig)
usual = {one.__name__: one(output_dir="out", use_cpu=True, bf16=False).disable_dropout for one in kinds}
print("  disable_dropout where it is not given:", usual)
told = [line for line in Path("said").read_text().splitlines() if "dropout" in line.lower()]
print("  lines on stderr about dropout:", told)
off, on = ([0.0], 0.25), ([0.25], 0.25)
expected = {(DPOTrainer, False): off, (DPOTrainer, True): on, (RewardTrainer, False): off, (RewardTrainer, True): on}
same = found == expected and not told and list(usual.values()) == [True, True, True, False, False]
raise SystemExit(0 if same else 1)
PY
