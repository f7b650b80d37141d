"""The texts of scripts that train a network with an encoder and a decoder, such as T5."""

from __future__ import annotations

ENCODED_HEAD = '''\
import json
from pathlib import Path

import peft
import torch
import transformers

tokenizer = transformers.AutoTokenizer.from_pretrained(<BASE>)
tokenizer.chat_template = <TEMPLATE> or tokenizer.chat_template
if tokenizer.pad_token is None:
    tokenizer.pad_token = tokenizer.eos_token
config = transformers.AutoConfig.from_pretrained(<BASE>)
for name in ("dropout_rate", "dropout", "attention_dropout", "activation_dropout"):
    if hasattr(config, name):
        setattr(config, name, 0.0)
network = transformers.AutoModelForSeq2SeqLM.from_pretrained(
    <BASE>, config=config, dtype=torch.<DTYPE>
)
network.config.use_cache = False
begins = network.config.decoder_start_token_id


def example(row):
    """What the encoder reads, and what the decoder learns to say."""
    messages = row["messages"]
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(
            messages[:-1], tools=row.get("tools"), add_generation_prompt=True, tokenize=False
        )
    else:
        text = "\\n\\n".join(m["content"] for m in messages[:-1] if m["content"])
    read = tokenizer(text)["input_ids"]
    said = tokenizer(messages[-1]["content"], add_special_tokens=False)["input_ids"]
    said = [*said, tokenizer.eos_token_id]
    return {"input_ids": read[:<LIMIT>], "labels": said[: max(0, <LIMIT> - len(read))]}


def together(part):
    """A batch, padded on the right."""

    def padded(lines, filler):
        longest = max(map(len, lines))
        return torch.tensor([line + [filler] * (longest - len(line)) for line in lines])

    return {
        "input_ids": padded([one["input_ids"] for one in part], tokenizer.pad_token_id),
        "attention_mask": padded([[1] * len(one["input_ids"]) for one in part], 0),
        "decoder_input_ids": padded(
            [[begins, *one["labels"][:-1]] for one in part], tokenizer.pad_token_id
        ),
        "labels": padded([one["labels"] for one in part], -100),
    }


rows = [json.loads(line) for line in Path(<ROWS>).read_text("utf-8").split("\\n") if line]
examples = [made for made in map(example, rows) if made["labels"]]


def loss_of(outputs, labels, num_items_in_batch):
    """The loss of a learned token, over all batches of a step."""
    return torch.nn.functional.cross_entropy(
        outputs.logits.float().flatten(0, 1), labels.flatten(), ignore_index=-100, reduction="sum"
    ) / num_items_in_batch


transformers.set_seed(<SEED>)
<PEFT><BEGIN>

if peft_config is not None:
    network = peft.get_peft_model(network, peft_config)
'''

ENCODED_TRAINER = '''\
"""Supervised training with Transformers' Seq2SeqTrainer, as Patchbay did it."""

<HEAD>
trainer = transformers.Seq2SeqTrainer(
    model=network,
    args=transformers.Seq2SeqTrainingArguments(
        output_dir="checkpoints", per_device_train_batch_size=<BATCH>,
        gradient_accumulation_steps=<ACCUMULATE>, learning_rate=<RATE>, max_steps=<STEPS>,
        lr_scheduler_type=<SCHEDULE>, warmup_steps=<WARMUP>, logging_steps=1, save_strategy="no",
        seed=<SEED>, bf16=<BF16>, gradient_checkpointing=<CHECKPOINTING>, report_to=[],
        disable_tqdm=True, use_cpu=not torch.cuda.is_available(), dataloader_pin_memory=False,
    ),
    train_dataset=examples,
    data_collator=together,
    compute_loss_func=loss_of,
)
<BEGUN_IN_TRAINER>
trainer.train()
losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
if __name__ == "__main__":
    trainer.save_model("trained")
'''

ENCODED_LOOP = '''\
"""Supervised training as a plain loop of PyTorch, with the losses that the trainer gives."""

<HEAD>
<BEGUN>
network.to("cuda" if torch.cuda.is_available() else "cpu").train()
if <CHECKPOINTING>:
    network.gradient_checkpointing_enable()
    network.enable_input_require_grads()
chosen = [p for p in network.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(chosen, lr=<RATE>, weight_decay=0.0)
schedule = transformers.get_scheduler(<SCHEDULE>, optimizer, <WARMUP>, <STEPS>)


def batches():
    """The rows in a new order for each epoch, <BATCH> at a time."""
    epoch = 0
    while True:
        order = torch.Generator().manual_seed(<SEED> + epoch)
        drawn = torch.randperm(len(examples), generator=order).tolist()
        for at in range(0, len(drawn), <BATCH>):
            batch = together([examples[i] for i in drawn[at : at + <BATCH>]])
            yield {k: v.to(network.device) for k, v in batch.items()}, at + <BATCH> >= len(drawn)
        epoch += 1


losses, feed = [], batches()
while len(losses) < <STEPS>:
    group = []
    while len(group) < <ACCUMULATE>:
        batch, over = next(feed)
        group.append(batch)
        if over:
            break
    learned = sum(int((batch["labels"] != -100).sum()) for batch in group)
    total = 0.0
    for batch in group:
        labels = batch.pop("labels")
        with torch.autocast(network.device.type, torch.bfloat16, enabled=<BF16>):
            loss = loss_of(network(**batch), labels, learned)
        loss.backward()
        total += loss.item()
    torch.nn.utils.clip_grad_norm_(chosen, 1.0)
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
    losses.append(total)
    print(f"{len(losses)}/<STEPS> loss {total:.4f}")
if __name__ == "__main__":
    network.save_pretrained("trained")
'''
