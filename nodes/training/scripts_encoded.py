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
for name in <DROPOUTS>:
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


rows = [json.loads(line) for line in Path(<ROWS>).read_text("utf-8").split("\\n") if line]
examples = [made for made in map(example, rows) if made["labels"]]
transformers.set_seed(<SEED>)
<PEFT>
<BEGIN>
'''

PADDED = """\
    def padded(lines, filler):
        longest = max(map(len, lines))
        return torch.tensor([line + [filler] * (longest - len(line)) for line in lines])

    return {
        "input_ids": padded([one["input_ids"] for one in part], tokenizer.pad_token_id),
        "attention_mask": padded([[1] * len(one["input_ids"]) for one in part], 0),
"""
"""How a batch begins, in every script that makes one."""

ENCODED_TOGETHER = (
    '''

def together(part):
    """A batch, padded on the right."""

'''
    + PADDED
    + """\
        "decoder_input_ids": padded(
            [[begins, *one["labels"][:-1]] for one in part], tokenizer.pad_token_id
        ),
        "labels": padded([one["labels"] for one in part], -100),
    }
"""
)

ENCODED_TRAINER = '''\
"""Supervised training with Transformers' Seq2SeqTrainer, as Patchbay did it."""

<HEAD><TOGETHER><LOSS>

if peft_config is not None:
    network = peft.get_peft_model(network, peft_config)
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
