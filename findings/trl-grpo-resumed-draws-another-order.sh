#!/usr/bin/env bash
# Guess: a training with GRPOTrainer that is resumed from a checkpoint goes on with the prompts that the training would have had.
# What happens: within the first epoch it does. After it, the sampler of the new trainer draws the order of the first epoch again
# (its generator has the seed of the start, and the epochs that are done are not drawn): resumed at the start of the third epoch
# it goes on with the orders of the first; resumed in the middle of the second it asks one prompt of that epoch again and
# leaves another out. With shuffle_dataset=False, which is not the default, it goes on as it should.
# Seen with trl 1.16.0, transformers 5.24.0, accelerate 1.15.0, torch 2.13.0 on 2026-11-29.
# Why it matters: a flow that is stopped and resumed trains on other data than one that ran through, with the same seed and the same
# settings; two runs that should be equal are not. Shuffle the rows before, and set shuffle_dataset=False, where that counts.
source "$(dirname "$0")/_env.sh"
packages 'trl==1.16.0' 'transformers==5.24.0' 'torch==2.13.0' 'datasets==5.2.0' 'accelerate==1.15.0'
cd "$HERE"
"$PY" - <<'PY' 2>"$HERE/said" || { rc=$?; tail -5 "$HERE/said"; exit $rc; }
from importlib.metadata import version

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.trainer_callback import ProgressCallback
from trl import GRPOConfig, GRPOTrainer

words = {word: number for number, word in enumerate("<pad> <s> </s> <unk> a b c d yes no".split())}
plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
marks = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, **marks)
shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
config = LlamaConfig(vocab_size=len(words), num_key_value_heads=2, pad_token_id=0, bos_token_id=1, eos_token_id=2, **shape)
rows = Dataset.from_list([{"prompt": one} for one in "abcd"])
print(*(f"{name} {version(name)}" for name in ("trl", "transformers", "accelerate", "torch")))


def steps(folder, shuffle, resume=None):
    """The two prompts of each step, as the reward function gets them: four prompts, so two steps make an epoch."""
    asked = []

    def reward(prompts, completions, **_):
        asked.append("".join(dict.fromkeys(prompts)))
        return [float(len(one)) for one in completions]

    torch.manual_seed(0)
    sizes = {"per_device_train_batch_size": 4, "num_generations": 2, "max_completion_length": 2}
    kept = {"save_strategy": "steps", "save_steps": 1, "output_dir": folder, "report_to": []}
    args = GRPOConfig(max_steps=6, shuffle_dataset=shuffle, seed=42, use_cpu=True, bf16=False, **sizes, **kept)
    made = GRPOTrainer(LlamaForCausalLM(config), reward_funcs=reward, args=args, train_dataset=rows, processing_class=tokenizer)
    made.remove_callback(ProgressCallback)
    made.train(resume_from_checkpoint=resume)
    return asked


found = {}  # whether it goes on as the one not interrupted, and whether with the orders of the first epochs
for shuffle in (True, False):
    whole = steps(f"whole-{shuffle}", shuffle)
    print(f"  shuffle_dataset={shuffle}: prompts of steps 1 to 6, two steps an epoch")
    print("    not interrupted  ", *whole)
    for at in (1, 3, 4):
        rest = steps(f"again-{shuffle}-{at}", shuffle, f"whole-{shuffle}/checkpoint-{at}")
        print(f"    resumed after {at}  ", *["  "] * at, *rest)
        found[shuffle, at] = (rest == whole[at:], rest == whole[at % 2 : 6 - at + at % 2])
expected = {(False, at): (True, True) for at in (1, 3, 4)}
expected |= {(True, 1): (True, True), (True, 3): (False, True), (True, 4): (False, True)}
raise SystemExit(0 if found == expected else 1)
PY
