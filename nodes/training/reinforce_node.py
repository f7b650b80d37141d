"""The node `train.reinforce`: answers get likelier where they are rewarded."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from patchbay.nodes.contract import Context, Field, NodeError, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.models.transformers.trained import TrainedAdapter
from patchbay.nodes.training.checked_data import UNCHECKED
from patchbay.nodes.training.datasets import CheckedPrompts
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.outcome import outcome_of
from patchbay.nodes.training.reinforce import Reinforce
from patchbay.nodes.training.results import curve_of, curve_over, samples_of
from patchbay.nodes.training.reward_value import RewardModel
from patchbay.nodes.training.settings import LEADING, TrainingParams, TrainingSettings
from patchbay.nodes.training.training_node import TrainingNode
from patchbay.nodes.values import ModelSpec

OWN = ("algorithm", "answers", "answer", "temperature", "beta")


class TrainReinforce(TrainingNode):
    """Train a model by rewards: it answers, a checker or a reward model scores, the better wins.

    GRPO and RLOO by TRL's trainers; PPO is ours, with a clipped objective, a value head and
    advantages that look ahead. `beta` is what straying from the model that is wired costs; without
    it, a reward is soon cheated. A batch counts prompts, each of which gets several answers. GRPO:
    Shao et al. 2024, arXiv:2402.03300; RLOO: Ahmadian et al. 2024, arXiv:2402.14740; PPO: Schulman
    et al. 2017, arXiv:1707.06347, Ziegler et al. 2019, arXiv:1909.08593.
    """

    kind, version, edition = "train.reinforce", 1, 2
    title, family, icon = "Reinforce", "Training", "loop"
    synonyms = (
        "grpo", "rloo", "ppo", "rlhf", "rlvr", "reinforcement learning", "policy gradient", "trl",
    )  # fmt: skip
    requires = ("torch", "transformers", "peft", "trl", "datasets")

    class Params(TrainingParams):
        """What every training lets people set, and how answers are sampled and rewarded."""

        algorithm: Literal["GRPO", "RLOO", "PPO"] = Field("GRPO")
        """Advantages within a group, against the mean of the others, or against a value head."""
        answers: int = Field(4, ge=1, le=64)
        """Answers to each prompt; GRPO and RLOO compare them with each other and need two."""
        answer: int = Field(32, ge=1, le=8192)
        """Tokens of an answer."""
        temperature: float = Field(1.0, gt=0, le=5)
        """How varied answers are."""
        beta: float = Field(0.05, ge=0, le=100)
        """What it costs to stray from the model that is wired (KL); 0 for nothing."""

        @model_validator(mode="after")
        def _can_be_reinforced(self) -> TrainReinforce.Params:
            if self.method in (*LEADING, "all weights") or self.start != "zero":
                raise ValueError(
                    f"the method {self.method} (start {self.start}) cannot be reinforced here: the "
                    "model that is wired has to come back when what is trained is switched off, "
                    "and what is sampled has to be what is trained; take LoRA, IA3 or Houlsby"
                )
            if self.algorithm != "PPO" and self.answers < 2:
                raise ValueError(f"{self.algorithm} compares answers, and needs two of each prompt")
            if self.algorithm == "PPO" and self.accumulate > 1:
                raise ValueError("PPO here makes one step of what it samples; accumulate 1")
            return self

    class Inputs(Ports):
        model: ModelSpec = port(doc="A Transformers model, with or without adapters.")
        data: CheckedPrompts = port(doc="The prompts, and how answers are checked.")
        reward: RewardModel | None = port(None, doc="A reward model in place of the checks.")
        held_out: CheckedPrompts | None = port(None, doc="Prompts to measure with.")

    class Outputs(Ports):
        model: ModelSpec = port(doc="The trained model, for every node that asks a model.")
        adapter: TrainedAdapter = port(doc="The adapter alone, for *LoRA adapter*.")
        rewards: Chart = port(doc="The mean reward of each step.")
        kl: Chart = port(doc="How far it has strayed, by step.")
        reward_over_kl: Chart = port(doc="What straying so far brought; empty without KL.")
        curve: Chart = port(doc="The loss of each step.")
        samples: Table = port(doc="An answer of each step, with its reward.")
        report: Table = port(doc="What was trained, on what, at what cost; where it lies.")
        held_out: Table = port(doc="Rewards on prompts held out, before and after.")

    value_types = (*TrainingNode.value_types, RewardModel)

    @classmethod
    def summary(cls, params: Params) -> str:
        """The algorithm, the method, and what straying costs."""
        return f"{params.algorithm}, {params.method}, β {params.beta:g}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        await ctx.blocking(_check_rows, inputs)
        plain = TrainingParams(**params.model_dump(exclude=set(OWN)))
        more: dict[str, float | str] = {name: getattr(params, name) for name in OWN}
        if inputs.reward is not None:
            more["reward"] = inputs.reward.sha256
        settings = TrainingSettings(kind="reinforce", params=plain, more=more)
        base = self.base_of(inputs.model, params)
        job = Job(base, inputs.data, inputs.held_out, settings)
        record, outputs = await outcome_of(job, Reinforce(inputs.reward), ctx)
        outputs["rewards"] = curve_of(record, "reward")
        outputs["kl"] = curve_of(record, "kl")
        outputs["reward_over_kl"] = curve_over(record, "kl", "reward")
        outputs["samples"] = samples_of(record)
        return self.Outputs(**outputs)


def _check_rows(inputs: TrainReinforce.Inputs) -> None:
    if inputs.reward is None and any(row["check"] == UNCHECKED for row in inputs.data.read()):
        raise NodeError(
            "The prompts have no check, and no reward model is wired, so nothing says which answer "
            "is better.",
            fix='Choose a check in "Prompts with a checker", or wire a reward model.',
            port="reward",
            code="training/no-check",
            retry=False,
        )
