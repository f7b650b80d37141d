"""Supervised training: the numbers of a plain script, kept, resumed, stopped, refused."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.runs.resources import Pool
from patchbay.flows.testing import PooledContext, user
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.asking import ask
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.transformers.adapter import read_adapter
from patchbay.nodes.models.transformers.lora import LoraModel
from patchbay.nodes.models.transformers.lora_node import LoraNode
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.training.datasets import InstructionData, kept
from patchbay.nodes.training.doing import train as trained_by
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.settings import TrainingParams, TrainingSettings
from patchbay.nodes.training.supervised import Supervised
from patchbay.nodes.training.supervised_node import TrainSupervised
from patchbay.nodes.training.watching import Watch
from patchbay.nodes.training.working import apart
from tests.device import ON_PROCESSOR
from tests.nodes.models import tiny
from tests.nodes.training.conftest import TEMPLATE, row
from tests.nodes.training.long import methods
from tests.nodes.training.watches import Killed, dying, quiet

QUICK: dict[str, Any] = {"steps": 10, "batch": 2, "limit": 64, "rate": 1e-2, "keep_every": 2}


def job_of(
    base: TransformersModel | LoraModel,
    data: InstructionData,
    held_out: InstructionData | None = None,
    **params: Any,
) -> Job:
    chosen = TrainingParams(**{**QUICK, **params})
    return Job(base, data, held_out, TrainingSettings(kind="supervised", params=chosen))


def train(job: Job, watch: Watch) -> dict[str, Any]:
    return trained_by(job, watch, Supervised())


def lost(record: dict[str, Any]) -> list[float]:
    return [figure["loss"] for figure in record["figures"]]


def trained(model: Any, data: Any, held_out: Any = None, **params: Any) -> tuple[Any, Any]:
    ctx = RecordingContext()
    inputs = {"model": model, "data": data, "held_out": held_out}
    return run_node(TrainSupervised, {**QUICK, **params}, inputs, ctx), ctx


def by_script(folder: Path, data: InstructionData, out: Path) -> list[float]:
    """What somebody would write after TRL's documentation."""
    import datasets
    import torch
    import transformers
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    messages = [held["messages"] for held in data.read()]
    table = datasets.Dataset.from_list(
        [{"prompt": said[:1], "completion": said[1:]} for said in messages]
    )
    args = SFTConfig(
        output_dir=str(out), max_steps=10, per_device_train_batch_size=2, learning_rate=1e-2,
        logging_steps=1, save_strategy="no", report_to=[], seed=0, bf16=False, use_cpu=ON_PROCESSOR,
        gradient_checkpointing=False, disable_tqdm=True, warmup_steps=0,
    )  # fmt: skip
    transformers.set_seed(0)
    trainer = SFTTrainer(
        model=model, args=args, train_dataset=table, processing_class=tokenizer,
        peft_config=LoraConfig(
            r=8, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
            task_type="CAUSAL_LM",
        ),
    )  # fmt: skip
    trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def test_the_losses_of_ten_steps_are_those_of_a_plain_script(
    base: TransformersModel, data: InstructionData, tiny_folder: Path, tmp_path: Path
) -> None:
    ours = lost(train(job_of(base, data), quiet()))
    theirs = by_script(tiny_folder, data, tmp_path / "script")
    assert len(ours) == 10
    assert ours == pytest.approx(theirs, abs=1e-5)
    assert ours[-1] < ours[0]


@pytest.mark.parametrize(
    "method",
    methods("QLoRA", "IA3", "all weights", long=("rank-stabilized LoRA", "DoRA", "8 bits")),
)
def test_each_method_learns_and_answers(
    method: str, base: TransformersModel, data: InstructionData, held_out: InstructionData
) -> None:
    rate = 0.3 if method == "IA3" else 1e-2
    out, _ = trained(base, data, held_out, method=method, layers="all", steps=6, rate=rate)
    losses = [point["loss"] for point in out["curve"].rows]
    assert losses[-1] < losses[0]
    before, after, _ = out["held_out"].rows
    assert after[1] < before[1]
    assert asyncio.run(_said(out["model"])) != asyncio.run(_said(base))
    assert ("adapter" in out) == (method != "all weights")


async def _said(model: Any) -> str:
    ctx = PooledContext()
    ctx.pool = Pool()
    try:
        options = model.call_options(temperature=0, max_tokens=6)
        return (await ask(ctx, model, user("Is sun good?"), port=None, **options)).text
    finally:
        ctx.pool.close()


def test_the_memory_that_it_took_stands_beside_the_estimate(
    base: TransformersModel, data: InstructionData
) -> None:
    out, ctx = trained(base, data, steps=30)
    said = dict(out["report"].rows)
    assert "of memory" in str(said["estimated before"])
    assert str(said["memory that was seen"]).endswith("B")
    assert any("a step" in label and label.endswith("of memory, step") for label, *_ in
               ctx.progressed)  # fmt: skip
    again, _ = trained(base, data, steps=30)
    assert again["report"] == out["report"]


def test_the_same_is_not_trained_twice(base: TransformersModel, data: InstructionData) -> None:
    first, ctx = trained(base, data, steps=2)
    assert any("a step" in label for label, _, _ in ctx.progressed)
    curve = [(point["step"], point["loss"]) for point in first["curve"].rows]
    assert [(point["step"], point["loss"]) for point in ctx.points] == curve
    assert all(0 <= point["accuracy"] <= 1 for point in ctx.points)
    again, ctx = trained(base, data, steps=2)
    assert again == first
    assert [(point["step"], point["loss"]) for point in ctx.points] == curve
    assert ctx.progressed == [("trained before, with the same numbers", 1, 1)]
    other, _ = trained(base, data, steps=2, seed=1)
    assert other["adapter"].sha256 != first["adapter"].sha256
    # How often it is kept on the way changes no number.
    assert job_of(base, data, keep_every=7).place == job_of(base, data).place


def test_a_killed_training_goes_on_with_the_same_numbers(
    base: TransformersModel, data: InstructionData, tmp_path: Path, own_home: Path
) -> None:
    whole = lost(train(job_of(base, data, dropout=0.1), quiet()))
    other = base.model_copy(update={"context": 127})  # another description of the same weights
    job = job_of(other, data, dropout=0.1)
    assert job.place == job_of(base, data, dropout=0.1).place
    job.place.folder.rename(tmp_path / "moved")

    with pytest.raises(Killed):
        train(job, dying(7))
    assert job.place.record() is None
    # The last state was cut off while it was written.
    torn = job.place.checkpoints / "checkpoint-7"
    torn.mkdir()
    (torn / "trainer_state.json").write_text('{"global_st')
    assert job.place.last_checkpoint() == job.place.checkpoints / "checkpoint-6"
    went_on = quiet()
    record = train(job, went_on)
    assert lost(record) == pytest.approx(whole, abs=1e-7)
    assert len(went_on.seconds) == 4, "steps that were over were made again"
    assert not job.place.checkpoints.exists()


async def test_stopping_keeps_a_checkpoint_and_the_next_run_goes_on(
    base: TransformersModel, data: InstructionData
) -> None:
    job = job_of(base, data, keep_every=1000)
    begun, stop = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def report(label: str, done: float, total: float | None) -> None:
        if done == 3:
            loop.call_soon_threadsafe(begun.set)
            stop.wait(240)

    watch = Watch(report, threading.Event())
    task = asyncio.create_task(asyncio.to_thread(apart, watch, lambda: train(job, watch)))
    await begun.wait()
    watch.cancelled.set()
    stop.set()
    with pytest.raises(NodeError, match=r"stopped after step \d+ of 10"):
        await task
    assert job.place.last_checkpoint() is not None
    assert len(lost(train(job, quiet()))) == 10


def test_the_adapter_says_its_base_and_hangs_on_it(
    base: TransformersModel, data: InstructionData, tmp_path: Path
) -> None:
    out, _ = trained(base, data, steps=2)
    adapter = out["adapter"]
    config = json.loads((Path(adapter.path) / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == base.weights == adapter.base
    card = (Path(adapter.path) / "README.md").read_text()
    assert f"content {adapter.base_sha256}" in card
    assert data.sha256 in card
    known = read_adapter(adapter.path)
    assert known is not None
    assert known.rank == 8
    wired = run_node(LoraNode, {"adapter": "pirate"}, {"model": base, "adapter": adapter})
    assert wired["model"] == out["model"]


def test_an_adapter_of_another_base_is_refused(
    base: TransformersModel, data: InstructionData, tmp_path: Path
) -> None:
    out, _ = trained(base, data, steps=2)
    other = tiny.folder_of(tiny.network(seed=5), tmp_path / "other")
    model = base.model_copy(update={"weights": str(other)})
    swapped = run_node(LoraNode, {}, {"model": model, "adapter": out["adapter"]})["model"]
    with pytest.raises(NodeError, match="whose weights are others than those of") as caught:
        asyncio.run(_said(swapped))
    assert str(base.weights) in caught.value.fix


def test_training_goes_on_from_adapters_that_are_wired(
    base: TransformersModel, data: InstructionData, held_out: InstructionData
) -> None:
    first, _ = trained(base, data, held_out, steps=4)
    second, _ = trained(first["model"], data, held_out, steps=4, seed=3)
    assert len(second["model"].adapters) == 2
    begins = second["held_out"].rows[0][1]
    assert begins == pytest.approx(first["held_out"].rows[1][1], abs=1e-4)


# --- what cannot be trained -----------------------------------------------------------------------


def test_rows_without_room_for_an_answer(base: TransformersModel) -> None:
    data = kept(InstructionData, [row("w " * 80, "the sun")])
    with pytest.raises(NodeError, match="none has an answer within 64 tokens") as caught:
        trained(base, data)
    assert caught.value.port == "data"


def test_rows_that_are_gone(base: TransformersModel, data: InstructionData) -> None:
    data.path.unlink()
    with pytest.raises(NodeError, match="no longer in") as caught:
        trained(base, data)
    assert "Run the node that made the data set again" in caught.value.fix


def test_a_model_that_keeps_its_weights_to_itself(data: InstructionData) -> None:
    with pytest.raises(NodeError, match="Training needs a Transformers model"):
        trained(GgufModel(), data)


def test_layers_that_are_not_there(base: TransformersModel, data: InstructionData) -> None:
    with pytest.raises(NodeError, match="no layers named qkv; it has: down_proj") as caught:
        trained(base, data, layers="by name", names=["q_proj", "qkv"])
    assert caught.value.param == "names"


def test_no_room_in_memory_says_what_would_fit(
    base: TransformersModel, data: InstructionData, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    free = type("Free", (), {"available": 330_000_000})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(NodeError) as caught:
        trained(base, data, batch=512)
    assert "What would fit: a batch of 1, accumulated" in caught.value.fix


def test_a_disk_that_is_full_at_a_checkpoint_leaves_the_one_before(
    base: TransformersModel, data: InstructionData, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    save, saved = torch.save, []

    def full(held: Any, path: Any, *more: Any, **named: Any) -> None:
        saved.append(path)
        if len(saved) > 4:  # optimizer, schedule and random numbers make a state
            raise OSError(28, "No space left on device")
        save(held, path, *more, **named)

    job = job_of(base, data)
    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(NodeError, match="No space left on device") as caught:
        train(job, quiet())
    assert caught.value.code == "training/unwritable"
    monkeypatch.undo()


def test_a_model_without_a_chat_template(
    base: TransformersModel, data: InstructionData, tmp_path: Path
) -> None:
    folder = tiny.folder_of(tiny.network(), tmp_path / "plain")
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    model = TransformersModel(weights=str(folder), context=64)
    with pytest.raises(NodeError, match="has no chat template"):
        trained(model, data)


def test_ia3_answers_as_peft_does_token_by_token(
    base: TransformersModel, data: InstructionData, tiny_folder: Path
) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    out, _ = trained(base, data, method="IA3", layers="all", steps=6, rate=0.3)
    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    tokenizer.chat_template = TEMPLATE
    plain = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    network = PeftModel.from_pretrained(plain, out["adapter"].path).eval()
    asked = [{"role": "user", "content": "Is sun good?"}]
    ids = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=False)
    begun = len(ids)
    with torch.no_grad():
        for _ in range(6):  # without a cache, which PEFT gets wrong for some methods
            ids.append(int(network(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    theirs = tokenizer.decode(ids[begun:], skip_special_tokens=True)
    assert asyncio.run(_said(out["model"])) == theirs
    merged = run_node(LoraNode, {"merge": True}, {"model": base, "adapter": out["adapter"]})
    assert asyncio.run(_said(merged["model"])) == theirs
    half = run_node(LoraNode, {"scale": 0.0}, {"model": base, "adapter": out["adapter"]})
    assert asyncio.run(_said(half["model"])) == asyncio.run(_said(base))
