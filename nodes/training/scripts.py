"""A supervised training as a script: by the library's trainer, and as a plain loop of PyTorch.

Both give the losses that the node gives (test). The rows are read from the file that the data set
is kept in, and the base from its folder, so they run on this machine as they are.
"""

from __future__ import annotations

from pathlib import Path

from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.training.base import root_of
from patchbay.nodes.training.dropouts import DROPOUTS
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.methods import task_type
from patchbay.nodes.training.scripts_encoded import (
    ENCODED_HEAD,
    ENCODED_TOGETHER,
    ENCODED_TRAINER,
    PADDED,
)
from patchbay.nodes.training.settings import LAST as FEEDING
from patchbay.nodes.training.settings import LEADING
from patchbay.nodes.training.tokens import LAST

WRITABLE = (
    "LoRA", "rank-stabilized LoRA", "DoRA", "IA3", "prompt tuning", "prefix tuning", "all weights",
)  # fmt: skip
"""Methods that scripts are written for."""


def scripts_of(job: Job, folder: Path, total: int) -> dict[str, str]:
    """The outputs `script` and `loop`; neither where the base has adapters or fewer bits.

    Args:
        job: what was trained.
        folder: of the base.
        total: its steps.
    """
    params = job.settings.params
    if params.method not in WRITABLE or not isinstance(job.base, TransformersModel):
        return {}
    named = {
        "HEAD": ENCODED_HEAD if job.encodes else _HEAD,
        "TOGETHER": ENCODED_TOGETHER if job.encodes else _TOGETHER,
        "LOSS": _LOSS,
        "BASE": repr(str(folder)),
        "ROWS": repr(str(job.data.path)),
        "TEMPLATE": repr(root_of(job.base).chat_template),
        "LAST": repr(LAST),
        "DTYPE": params.precision,
        "DROPOUTS": repr(DROPOUTS),
        "LIMIT": str(params.limit),
        "PEFT": _peft(job),
        "BEGIN": _begin(job),
        "BEGUN": "begin(network)" if params.method in LEADING else "",
        "BEGUN_IN_TRAINER": "begin(trainer.model)" if params.method in LEADING else "",
        "SEED": str(params.seed),
        "BATCH": str(params.batch),
        "ACCUMULATE": str(params.accumulate),
        "RATE": repr(job.settings.rate),
        "STEPS": str(total),
        "WARMUP": str(job.settings.warmup_steps(total)),
        "SCHEDULE": repr(job.settings.schedule),
        "BF16": str(params.precision == "bfloat16"),
        "CHECKPOINTING": str(params.checkpointing),
    }
    trainer = ENCODED_TRAINER if job.encodes else _TRAINER
    return {"script": _filled(trainer, named), "loop": _filled(_LOOP, named)}


def _peft(job: Job) -> str:
    settings, task = job.settings, task_type(job.encodes)
    if settings.params.method == "all weights":
        return "peft_config = None"
    if settings.params.method in LEADING:
        kind = "Prompt" if settings.params.method == "prompt tuning" else "Prefix"
        encoder = "num_transformer_submodules=1, " if job.encodes else ""
        return (
            f"peft_config = peft.{kind}TuningConfig(\n    "
            f"num_virtual_tokens={settings.params.virtual_tokens}, {encoder}task_type={task!r}\n)"
        )
    if settings.params.method == "IA3":
        targets = job.targets()
        inputs = [name for name in targets if name in FEEDING]
        return (
            f"peft_config = peft.IA3Config(\n    target_modules={targets!r},\n"
            f"    feedforward_modules={inputs!r}, task_type={task!r},\n)"
        )
    words = [f"{name}={value!r}" for name, value in settings.lora().items()]
    lines = (
        ", ".join(words[:3]),
        f"target_modules={job.targets()!r}",
        ", ".join(words[3:]),
        f"task_type={task!r}",
    )
    return "peft_config = peft.LoraConfig(\n" + "".join(f"    {one},\n" for one in lines) + ")"


def _begin(job: Job) -> str:
    params = job.settings.params
    if params.method not in LEADING:
        return ""
    own = _AS_EMBEDDINGS if params.method == "prompt tuning" else _AS_KEYS
    return _BEGIN.replace("<START>", repr(params.prompt_start)) + own


def _filled(template: str, named: dict[str, str]) -> str:
    for name, text in named.items():
        line = f"<{name}>\n" if not text else f"<{name}>"
        template = template.replace(line, text).replace(f"<{name}>", text)
    return template


_BEGIN = '''

def begin(network):
    """The virtual tokens begin as real ones: those of a text, or drawn."""
    held = network.prompt_encoder["default"].embedding.weight
    table, count = network.get_input_embeddings().weight, held.shape[0]
    chosen = tokenizer(<START>, add_special_tokens=False)["input_ids"]
    if not chosen:
        draw = torch.Generator().manual_seed(<SEED>)
        chosen = torch.randint(len(tokenizer), (count,), generator=draw).tolist()
    tokens = torch.tensor([(chosen * count)[:count]], device=table.device)
'''

_AS_EMBEDDINGS = """\
    with torch.no_grad():
        held.copy_(table[tokens[0]])"""

_AS_KEYS = """\
    training = network.training
    with torch.no_grad(), network.disable_adapter():
        cache = network.eval()(input_ids=tokens, use_cache=True).cache
    network.train(training)
    parts = [part[0] for layer in cache.layers for part in (layer.keys, layer.values)]
    with torch.no_grad():
        held.copy_(torch.stack(parts).permute(2, 0, 1, 3).reshape(count, -1))"""

_HEAD = '''\
import json
from pathlib import Path

import peft
import torch
import transformers

tokenizer = transformers.AutoTokenizer.from_pretrained(<BASE>)
tokenizer.chat_template = <TEMPLATE> or tokenizer.chat_template
if tokenizer.pad_token is None:
    tokenizer.pad_token = tokenizer.eos_token
network = transformers.AutoModelForCausalLM.from_pretrained(<BASE>, dtype=torch.<DTYPE>)
network.config.use_cache = False


def ids(messages, tools=None, asks=False):
    text = tokenizer.apply_chat_template(
        messages, tools=tools, add_generation_prompt=asks, tokenize=False
    )
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def same_start(one, other):
    apart = (i for i, (a, b) in enumerate(zip(one, other)) if a != b)
    return next(apart, min(len(one), len(other)))


def example(row):
    """Tokens, and labels: -100 for what is not learned."""
    messages, tools = row["messages"], row.get("tools")
    whole = ids(messages, tools)
    if row["learn"] == "everything":
        return {"input_ids": whole[:<LIMIT>], "labels": whole[:<LIMIT>]}
    labels = [-100] * len(whole)
    turns = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
    for at in turns[-1:] if row["learn"] == <LAST> else turns:
        begin = same_start(ids(messages[:at], tools, asks=True), whole)
        last = at + 1 == len(messages)
        end = len(whole) if last else same_start(ids(messages[: at + 1], tools), whole)
        labels[begin:end] = whole[begin:end]
    return {"input_ids": whole[:<LIMIT>], "labels": labels[:<LIMIT>]}


rows = [json.loads(line) for line in Path(<ROWS>).read_text("utf-8").split("\\n") if line]
examples = [made for made in map(example, rows) if any(label != -100 for label in made["labels"])]
transformers.set_seed(<SEED>)
<PEFT>
<BEGIN>
'''

_TRAINER = '''\
"""Supervised training with TRL's SFTTrainer, as Patchbay did it."""

<HEAD>
import datasets
from trl import SFTConfig, SFTTrainer

trainer = SFTTrainer(
    model=network,
    args=SFTConfig(
        output_dir="checkpoints", per_device_train_batch_size=<BATCH>,
        gradient_accumulation_steps=<ACCUMULATE>, learning_rate=<RATE>, max_steps=<STEPS>,
        lr_scheduler_type=<SCHEDULE>, warmup_steps=<WARMUP>, logging_steps=1, save_strategy="no",
        seed=<SEED>, bf16=<BF16>, gradient_checkpointing=<CHECKPOINTING>, max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True}, report_to=[], disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(), dataloader_pin_memory=False,
    ),
    train_dataset=datasets.Dataset.from_list(examples),
    processing_class=tokenizer,
    peft_config=peft_config,
)
<BEGUN_IN_TRAINER>
trainer.train()
losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
if __name__ == "__main__":
    trainer.save_model("trained")
'''

_TOGETHER = (
    '''

def together(part):
    """A batch, padded on the right; its labels are what comes next."""

'''
    + PADDED
    + """\
        "labels": padded([[*one["labels"][1:], -100] for one in part], -100),
    }
"""
)

_LOSS = '''

def loss_of(outputs, labels, num_items_in_batch):
    """The loss of a learned token, over all batches of a step."""
    scores = outputs.logits[:, -labels.shape[1] :].float()
    return torch.nn.functional.cross_entropy(
        scores.flatten(0, 1), labels.flatten(), ignore_index=-100, reduction="sum"
    ) / num_items_in_batch
'''

_LOOP = '''\
"""Supervised training as a plain loop of PyTorch, with the losses that the trainer gives."""

<HEAD><TOGETHER><LOSS>

if peft_config is not None:
    network = peft.get_peft_model(network, peft_config)
<BEGUN>
transformers.set_seed(<SEED>)
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
        torch.empty((), dtype=torch.int64).random_()  # a DataLoader's draw; dropout's come after it
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
