"""`python -m patchbay.nodes.models.training NAME`: train one of the adapters that ship.

LoRA (Hu et al. 2021, https://arxiv.org/abs/2106.09685) with PEFT on the dequantized default model,
on a processor, in a few minutes. The data is a file NAME.tsv beside this one: what is said, a tab,
what is to be answered. All of it is ours, under the licence of Patchbay.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patchbay.nodes.models.cores import share_cores
from patchbay.nodes.models.transformers.adapter import CONFIG, SHIPPED, WEIGHTS
from patchbay.nodes.models.transformers.load import folder_of
from patchbay.nodes.weights.manifest import DEFAULT

HERE = Path(__file__).parent
RANK, ALPHA, TARGETS = 4, 16, ["q_proj", "v_proj"]
BATCH, RATE = 8, 3e-3
EPOCHS = {"pirate": 3, "sentiment": 4}
IGNORED = -100
"""The label of tokens that are not learned: what was asked, and padding."""


def main() -> None:
    """Train, and save beside the other adapters that ship."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(path.stem for path in HERE.glob("*.tsv")))
    parser.add_argument("--epochs", type=int, help="times through the data")
    parser.add_argument("--out", type=Path, help="another folder than the one that ships")
    given = parser.parse_args()
    train(given.name, given.epochs or EPOCHS[given.name], given.out or SHIPPED / given.name)


def train(name: str, epochs: int, out: Path) -> None:
    """Train an adapter on NAME.tsv and save it in a folder. Repeats on the same machine."""
    share_cores()
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(0)
    folder = str(folder_of(DEFAULT, lambda label, done, total: _say(label)))
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    base = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
    )
    layers = list(range(base.config.num_hidden_layers))
    config = LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules=TARGETS, layers_to_transform=layers[-20:],
        task_type="CAUSAL_LM",
    )  # fmt: skip
    model: Any = get_peft_model(base, config)
    rows = [_example(tokenizer, *line.split("\t")) for line in _lines(name)]
    steps = epochs * -(-len(rows) // BATCH)
    chosen = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(chosen, lr=RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    began = time.monotonic()
    for step, batch in enumerate(_batches(rows, epochs, tokenizer.pad_token_id)):
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        _say(f"{name} {step + 1}/{steps} loss {loss.item():.3f} {time.monotonic() - began:.0f} s")
    _save(model, config, out)


def _lines(name: str) -> list[str]:
    return (HERE / f"{name}.tsv").read_text("utf-8").splitlines()


def _example(tokenizer: Any, asked: str, answer: str) -> tuple[list[int], int]:
    """The tokens of one exchange, and how many of them are not to be learned."""
    turn = [{"role": "user", "content": asked}]
    prompt = tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
    before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    after = tokenizer(answer + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
    return before + after, len(before)


def _batches(rows: list[tuple[list[int], int]], epochs: int, pad: int) -> Iterator[dict[str, Any]]:
    import torch

    order = random.Random(0)  # noqa: S311 - an order that repeats, no secret
    for _ in range(epochs):
        order.shuffle(rows)
        for at in range(0, len(rows), BATCH):
            part = rows[at : at + BATCH]
            longest = max(len(tokens) for tokens, _ in part)
            ids, labels, mask = [], [], []
            for tokens, skip in part:
                gap = longest - len(tokens)
                ids.append(tokens + [pad] * gap)
                labels.append([IGNORED] * skip + tokens[skip:] + [IGNORED] * gap)
                mask.append([1] * len(tokens) + [0] * gap)
            yield {
                "input_ids": torch.tensor(ids),
                "labels": torch.tensor(labels),
                "attention_mask": torch.tensor(mask),
            }


def _save(model: Any, config: Any, out: Path) -> None:
    """In 16 bits, with a config that names no folder of this machine."""
    import torch
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    out.mkdir(parents=True, exist_ok=True)
    held = get_peft_model_state_dict(model)
    small = {k: v.detach().to(torch.float16).contiguous() for k, v in sorted(held.items())}
    save_file(small, out / WEIGHTS, metadata={"format": "pt"})
    about = {
        "base_model_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "bias": "none",
        "layers_to_transform": config.layers_to_transform,
        "lora_alpha": ALPHA,
        "peft_type": "LORA",
        "r": RANK,
        "target_modules": TARGETS,
        "task_type": "CAUSAL_LM",
    }
    (out / CONFIG).write_text(json.dumps(about, indent=2) + "\n", "utf-8")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
