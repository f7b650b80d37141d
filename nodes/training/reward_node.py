"""The node `train.reward_model`: what people prefer, as a number."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import model_validator

from patchbay.nodes.contract import Context, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.models.transformers.adapter import WEIGHTS
from patchbay.nodes.training.datasets import PreferenceData
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.outcome import outcome_of
from patchbay.nodes.training.results import curve_of
from patchbay.nodes.training.reward import Reward
from patchbay.nodes.training.reward_value import RewardModel
from patchbay.nodes.training.settings import TrainingParams, TrainingSettings
from patchbay.nodes.training.training_node import TrainingNode
from patchbay.nodes.values import ModelSpec
from patchbay.nodes.weights.digest import memo_path, sha256_of
from patchbay.nodes.weights.refs import quiet

SCORING = ("LoRA", "rank-stabilized LoRA", "DoRA")


class TrainRewardModel(TrainingNode):
    """Train a model on pairs of answers to give a number: the higher, the better the answer.

    The trainer is TRL's RewardTrainer; the loss is that of Bradley & Terry. What is trained is an
    adapter and one row of weights in place of the words, kept and resumed as by *Supervised
    training*. For *Reinforce*. Ouyang et al. 2022, arXiv:2203.02155.
    """

    kind, version = "train.reward_model", 1
    title, family, icon = "Reward model", "Training", "gauge"
    synonyms = ("rlhf", "preference", "reward", "trl", "bradley-terry", "alignment")
    requires = ("torch", "transformers", "peft", "trl", "datasets")
    value_types = (*TrainingNode.value_types, RewardModel)

    class Params(TrainingParams):
        """What every training lets people set; the method is LoRA or one of its kin."""

        methods: ClassVar[tuple[str, ...]] = SCORING

        @model_validator(mode="after")
        def _has_matrices(self) -> TrainRewardModel.Params:
            if self.method not in SCORING or self.start != "zero":
                raise ValueError(f"reward models are trained by {', '.join(SCORING)}, from zero")
            return self

    class Inputs(Ports):
        model: ModelSpec = port(doc="A Transformers model, with or without adapters.")
        data: PreferenceData = port(doc="The pairs to train on.")
        held_out: PreferenceData | None = port(None, doc="Pairs to measure with.")

    class Outputs(Ports):
        reward: RewardModel = port(doc="The reward model, for *Reinforce*.")
        curve: Chart = port(doc="The loss of each step.")
        margins: Chart = port(doc="By how much the preferred answers score higher.")
        accuracy: Chart = port(doc="The share of pairs in the right order, by step.")
        report: Table = port(doc="What was trained, on what, at what cost; where it lies.")
        held_out: Table = port(doc="Pairs in the right order, before and after, with intervals.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The method."""
        return f"{params.method}, rank {params.rank}, {params.layers}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        plain = TrainingParams(**params.model_dump())
        settings = TrainingSettings(kind="reward", params=plain)
        base = self.base_of(inputs.model, params)
        job = Job(base, inputs.data, inputs.held_out, settings)
        record, outputs = await outcome_of(job, Reward(), ctx)
        outputs = {
            name: outputs[name] for name in ("curve", "report", "held_out") if name in outputs
        }
        outputs["margins"] = curve_of(record, "margin")
        outputs["accuracy"] = curve_of(record, "accuracy")
        outputs["reward"] = await ctx.blocking(_value, job)
        return self.Outputs(**outputs)


def _value(job: Job) -> RewardModel:
    path: Any = job.place.result / WEIGHTS
    return RewardModel(
        path=str(job.place.result),
        sha256=sha256_of(path, quiet, memo_path(path)),
        base=job.base,
        limit=job.settings.params.limit,
    )
