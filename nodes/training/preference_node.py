"""The node `train.preference`: adapt a model to what people prefer."""

from __future__ import annotations

from patchbay.nodes.contract import Context, Field, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.models.transformers.trained import TrainedAdapter
from patchbay.nodes.training.datasets import PreferenceData
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.outcome import outcome_of
from patchbay.nodes.training.preference import Preference
from patchbay.nodes.training.results import curve_of, samples_of
from patchbay.nodes.training.settings import SamplingParams, TrainingSettings
from patchbay.nodes.training.training_node import TrainingNode
from patchbay.nodes.values import ModelSpec


class TrainPreference(TrainingNode):
    """Train a model on pairs of answers, so that the preferred one gets likelier (DPO).

    The trainer is TRL's DPOTrainer. The reference, from which the model is kept from straying by
    `beta`, is the model that is wired, adapters included, so the first loss is ln 2 whatever the
    matrices begin with. What is trained is kept, resumed and given as by *Supervised training*.
    Rafailov et al. 2023, arXiv:2305.18290.
    """

    kind, version = "train.preference", 1
    title, family, icon = "Preference training", "Training", "vote"
    synonyms = ("dpo", "rlhf", "preference tuning", "alignment", "train", "trl")
    requires = ("torch", "transformers", "peft", "trl", "datasets")

    class Params(SamplingParams):
        """What every training lets people set, sample answers, and how far it may stray."""

        beta: float = Field(0.1, gt=0, le=100)
        """How strongly it is kept near the model that is wired."""

    class Inputs(Ports):
        model: ModelSpec = port(doc="A Transformers model, with or without adapters.")
        data: PreferenceData = port(doc="The pairs to train on.")
        held_out: PreferenceData | None = port(None, doc="Pairs to measure with.")

    class Outputs(Ports):
        model: ModelSpec = port(doc="The trained model, for every node that asks a model.")
        adapter: TrainedAdapter = port(doc="The adapter alone, for *LoRA adapter*.")
        curve: Chart = port(doc="The loss of each step.")
        margins: Chart = port(doc="How far the model has moved between both answers.")
        samples: Table = port(doc="Answers every so many steps, where they are asked for.")
        report: Table = port(doc="What was trained, on what, at what cost; where it lies.")
        held_out: Table = port(doc="Base and trained on pairs held out, with intervals.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The method, and how far it may stray."""
        return f"DPO, {params.method}, β {params.beta:g}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        more: dict[str, float | str] = {"beta": params.beta, **params.sampled()}
        settings = TrainingSettings(kind="preference", params=params.plain("beta"), more=more)
        base = self.base_of(inputs.model, params)
        job = Job(base, inputs.data, inputs.held_out, settings)
        record, outputs = await outcome_of(job, Preference(), ctx)
        outputs["margins"] = curve_of(record, "margins")
        outputs["samples"] = samples_of(record)
        return self.Outputs(**outputs)
