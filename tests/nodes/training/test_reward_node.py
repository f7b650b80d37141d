"""Reward models: the losses of a plain script, and what they cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.models.transformers.libraries import load_libraries
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import run_node
from patchbay.nodes.training.base import reader_of
from patchbay.nodes.training.datasets import PreferenceData
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.preference import Preference
from patchbay.nodes.training.reward import Reward
from patchbay.nodes.training.reward_node import TrainRewardModel
from patchbay.nodes.training.settings import TrainingParams, TrainingSettings
from tests.device import ON_PROCESSOR
from tests.nodes.training.conftest import TEMPLATE
from tests.nodes.training.watches import quiet


def test_the_reward_models_losses_are_those_of_a_plain_script(
    base: TransformersModel, pairs: PreferenceData, tiny_folder: Path, tmp_path: Path
) -> None:
    import datasets
    import torch
    import transformers
    from peft import LoraConfig
    from trl import RewardConfig, RewardTrainer

    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_folder)
    tokenizer.chat_template = TEMPLATE
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        tiny_folder, dtype=torch.float32, num_labels=1
    )
    torch.manual_seed(0)
    model.score = torch.nn.Linear(32, 1, bias=False)
    torch.nn.init.normal_(model.score.weight, std=0.02)
    table = datasets.Dataset.from_list(
        [{name: [*row["prompt"], {"role": "assistant", "content": row[name]}]
          for name in ("chosen", "rejected")} for row in pairs.read()]
    )  # fmt: skip
    args = RewardConfig(
        output_dir=str(tmp_path / "script"), max_steps=6, per_device_train_batch_size=2,
        learning_rate=1e-2, logging_steps=1, save_strategy="no", report_to=[], seed=0, bf16=False,
        use_cpu=ON_PROCESSOR, gradient_checkpointing=False, disable_tqdm=True, warmup_steps=0,
    )  # fmt: skip
    transformers.set_seed(0)
    trainer = RewardTrainer(
        model=model, args=args, train_dataset=table, processing_class=tokenizer,
        peft_config=LoraConfig(
            r=8, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
            task_type="SEQ_CLS", modules_to_save=["score"],
        ),
    )  # fmt: skip
    trainer.train()
    theirs = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    chosen = {"steps": 6, "batch": 2, "limit": 64, "rate": 1e-2}
    out = run_node(TrainRewardModel, chosen, {"model": base, "data": pairs})
    assert [p["loss"] for p in out["curve"].rows] == pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize(("kind", "recipe"), [("reward", Reward()), ("preference", Preference())])
def test_dropout_is_what_was_set(
    kind: str, recipe: Any, base: TransformersModel, pairs: PreferenceData
) -> None:
    """The library switches it off by itself, whatever people set."""
    from torch.nn import Dropout

    params = TrainingParams(limit=64, dropout=0.25)
    job = Job(base, pairs, None, TrainingSettings(kind=kind, params=params, more={"beta": 0.1}))
    reader = reader_of(base, lambda *_: None)
    load_libraries()
    made = recipe.trainer(job, reader.tokenizer, recipe.rows(job, pairs, reader), quiet())
    shares = {part.p for part in made.model.modules() if isinstance(part, Dropout)}
    assert shares == {0.25}


def test_reward_models_have_matrices() -> None:
    with pytest.raises(ValidationError, match="reward models are trained by LoRA"):
        TrainRewardModel.Params(method="IA3")
