"""DPO: where it begins, where it goes, and what it compares with."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import run_node
from patchbay.nodes.training.datasets import PreferenceData, kept
from patchbay.nodes.training.preference_node import TrainPreference
from patchbay.nodes.training.supervised_node import TrainSupervised
from tests.device import ON_PROCESSOR
from tests.nodes.training.conftest import TEMPLATE, WORDS, rows

QUICK: dict[str, Any] = {"steps": 6, "batch": 2, "limit": 64, "rate": 1e-2}


@pytest.fixture
def pairs() -> PreferenceData:
    made = [
        {"prompt": [{"role": "user", "content": f"Is {word} good?"}], "chosen": f"yes {word}",
         "rejected": f"no {word} at all"}
        for word in WORDS
    ]  # fmt: skip
    return kept(PreferenceData, made, "weather")


def trained(model: Any, data: Any, held: Any = None, **params: Any) -> Any:
    inputs = {"model": model, "data": data, "held_out": held}
    return run_node(TrainPreference, {**QUICK, **params}, inputs)


def lost(out: Any) -> list[float]:
    return [point["loss"] for point in out["curve"].rows]


@pytest.mark.parametrize(
    "params",
    [
        {}, {"method": "DoRA"}, {"start": "PiSSA"}, {"start": "OLoRA"}, {"method": "all weights"},
    ],
    ids=str,
)  # fmt: skip
def test_the_first_loss_is_ln_2_whatever_it_begins_with(
    params: dict[str, Any], base: TransformersModel, pairs: PreferenceData
) -> None:
    out = trained(base, pairs, pairs, **params)
    assert lost(out)[0] == pytest.approx(math.log(2), abs=1e-5)
    assert lost(out)[-1] < math.log(2)
    assert out["margins"].rows[-1]["margins"] > 0
    before, after, _ = out["held_out"].rows
    assert after[1] > before[1], "the preferred answer has not become likelier"


def test_the_reference_is_the_model_that_is_wired(
    base: TransformersModel, pairs: PreferenceData
) -> None:
    """After a supervised step; a reference read from disk by name would be the older model."""
    from patchbay.nodes.training.datasets import InstructionData

    data = kept(InstructionData, rows(8))
    for method in ("LoRA", "all weights"):
        taught = run_node(
            TrainSupervised, {**QUICK, "method": method}, {"model": base, "data": data}
        )
        out = trained(taught["model"], pairs, steps=1, method=method)
        assert lost(out)[0] == pytest.approx(math.log(2), abs=1e-5)


def test_the_losses_are_those_of_a_plain_script(
    base: TransformersModel, pairs: PreferenceData, tiny_folder: Path, tmp_path: Path
) -> None:
    import datasets
    import torch
    import transformers
    from peft import LoraConfig
    from trl import DPOConfig, DPOTrainer

    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_folder)
    tokenizer.chat_template = TEMPLATE
    model = transformers.AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    table = datasets.Dataset.from_list(
        [
            {**row, "chosen": [{"role": "assistant", "content": row["chosen"]}],
             "rejected": [{"role": "assistant", "content": row["rejected"]}]}
            for row in pairs.read()
        ]
    )  # fmt: skip
    args = DPOConfig(
        output_dir=str(tmp_path / "script"), max_steps=6, per_device_train_batch_size=2,
        learning_rate=1e-2, logging_steps=1, save_strategy="no", report_to=[], seed=0, bf16=False,
        use_cpu=ON_PROCESSOR, gradient_checkpointing=False, disable_tqdm=True, warmup_steps=0,
        beta=0.1,
    )  # fmt: skip
    transformers.set_seed(0)
    trainer = DPOTrainer(
        model=model, args=args, train_dataset=table, processing_class=tokenizer,
        peft_config=LoraConfig(
            r=8, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
            task_type="CAUSAL_LM",
        ),
    )  # fmt: skip
    trainer.train()
    theirs = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert lost(trained(base, pairs)) == pytest.approx(theirs, abs=1e-5)


def test_prompts_that_fill_the_limit(base: TransformersModel) -> None:
    asked = [{"role": "user", "content": "w " * 80}]
    data = kept(PreferenceData, [{"prompt": asked, "chosen": "a", "rejected": "b"}])
    with pytest.raises(NodeError, match="none has a prompt shorter than 64 tokens"):
        trained(base, data)


def test_a_start_that_needs_the_layers_whole(
    base: TransformersModel, pairs: PreferenceData
) -> None:
    first = trained(base, pairs, steps=1)
    with pytest.raises(NodeError, match="PiSSA takes a part out of the layers"):
        trained(first["model"], pairs, start="PiSSA")
    with pytest.raises(ValueError, match="PiSSA starts LoRA over weights in 16 or 32 bits only"):
        trained(base, pairs, start="PiSSA", method="QLoRA")
