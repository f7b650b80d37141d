#!/usr/bin/env bash
# Guess: four batches whose gradients are accumulated train a T5 as one batch of four times the rows does; only the memory differs.
# What happens: loss and gradients of a step are four times as large. Trainer sees that T5's forward takes **kwargs, believes that
# its loss is normalized by `num_items_in_batch`, and divides by nothing; but T5's loss is the plain mean of one batch.
# Adam hides it from the steps, not from the losses on the curve nor from clipping at 1.0, which then cuts nearly every gradient.
# Seen with transformers 5.24.0 on 2026-11-29. A `compute_loss_func` of one's own is right.
# Why it matters: fine-tuning FLAN or T0 on a small card, where gradients are accumulated as a matter of course.
source "$(dirname "$0")/_env.sh"
packages 'transformers==5.24.0' 'torch==2.13.0' 'accelerate==1.15.0'
"$PY" - <<'PY'
import tempfile
from importlib.metadata import version

import torch
import transformers

config = transformers.T5Config(
    vocab_size=64, d_model=16, d_kv=4, d_ff=32, num_layers=1, num_heads=4, dropout_rate=0.0,
    decoder_start_token_id=0,
)
rows = [{"input_ids": [5, 6, 7, 1], "labels": [9, 8, 1]} for _ in range(8)]


def first_step(batch: int, accumulate: int) -> dict[str, float]:
    transformers.set_seed(0)
    trainer = transformers.Trainer(
        model=transformers.T5ForConditionalGeneration(config),
        args=transformers.TrainingArguments(
            output_dir=tempfile.mkdtemp(), per_device_train_batch_size=batch, max_steps=1,
            gradient_accumulation_steps=accumulate, logging_steps=1, save_strategy="no",
            report_to=[], use_cpu=True, disable_tqdm=True,
        ),
        train_dataset=rows,
    )
    trainer.train()
    return {k: float(v) for k, v in trainer.state.log_history[0].items() if k in ("loss", "grad_norm")}


whole, parts = first_step(4, 1), first_step(1, 4)
print("transformers", version("transformers"), "| batch of 4:", whole, "| 4 batches of 1:", parts)
times = parts["loss"] / whole["loss"]
print(f"the loss is {times:.2f} times as large")
raise SystemExit(0 if abs(times - 4) < 0.01 else 1)
PY
