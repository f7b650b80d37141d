"""The node `train.supervised`: adapt a model to answers that are known."""

from __future__ import annotations

from patchbay.nodes.contract import Context, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.models.transformers.load import folder_of
from patchbay.nodes.models.transformers.trained import TrainedAdapter
from patchbay.nodes.training.base import TrainableModel, checked_base, root_of
from patchbay.nodes.training.datasets import InstructionData
from patchbay.nodes.training.encoded_supervised import EncodedSupervised, check_encoded
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.outcome import outcome_of
from patchbay.nodes.training.results import samples_of
from patchbay.nodes.training.scripts import scripts_of
from patchbay.nodes.training.settings import (
    LEADING,
    RANKED,
    SamplingParams,
    TrainingSettings,
)
from patchbay.nodes.training.supervised import Supervised
from patchbay.nodes.training.training_node import TrainingNode
from patchbay.nodes.values import ModelSpec
from patchbay.nodes.weights.refs import quiet


class TrainSupervised(TrainingNode):
    """Train a model on prompts and answers, and give it as an adapter that other nodes use at once.

    The trainer is TRL's SFTTrainer; for networks with an encoder (T5, T0), which it does not take,
    Transformers' Seq2SeqTrainer. Its numbers are those of a script with the same settings. What
    is trained is kept in the home folder by its content: the same base, rows and settings are not
    trained twice. A training that was stopped or killed goes on from its last checkpoint with the
    numbers it would have had. LoRA: Hu et al. 2021, arXiv:2106.09685; rank-stabilized:
    Kalajdzievski 2023, arXiv:2312.03732; DoRA: Liu et al. 2024, arXiv:2402.09353; QLoRA: Dettmers
    et al. 2023, arXiv:2305.14314; IA3: Liu et al. 2022, arXiv:2205.05638; prompt tuning: Lester et
    al. 2021, arXiv:2104.08691; prefix tuning: Li & Liang 2021, arXiv:2101.00190; bottlenecks:
    Houlsby et al. 2019, arXiv:1902.00751.
    """

    kind, version = "train.supervised", 1
    title, family, icon = "Supervised training", "Training", "layers"
    front = ("method", "rank", "epochs")
    synonyms = (
        "train", "fine-tune", "finetuning", "sft", "lora", "qlora", "dora", "peft", "trl",
        "prompt tuning", "prefix tuning", "houlsby", "ia3",
    )  # fmt: skip
    requires = ("torch", "transformers", "peft", "trl", "datasets")

    class Params(SamplingParams):
        """What every training lets people set, and sample answers."""

    class Inputs(Ports):
        model: ModelSpec = port(doc="A Transformers model, with or without adapters.")
        data: InstructionData = port(doc="The rows to train on.")
        held_out: InstructionData | None = port(None, doc="Rows to measure with, before and after.")

    class Outputs(Ports):
        model: ModelSpec = port(doc="The trained model, for every node that asks a model.")
        adapter: TrainedAdapter = port(doc="The adapter alone, for *LoRA adapter*.")
        curve: Chart = port(doc="The loss of each step.")
        report: Table = port(doc="What was trained, on what, at what cost; where it lies.")
        held_out: Table = port(doc="Base and trained on rows held out, with intervals.")
        samples: Table = port(doc="Answers every so many steps, where they are asked for.")
        script: str = port(doc="The same training as a script that calls TRL's trainer.")
        loop: str = port(doc="The same as a plain loop of PyTorch, of one page.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The method, and what it is set to."""
        if params.method in LEADING:
            return f"{params.method}, {params.virtual_tokens} tokens"
        if params.method not in RANKED:
            return params.method
        return f"{params.method}, rank {params.rank}, {params.layers}"

    @classmethod
    def base_of(cls, model: ModelSpec, params: Params) -> TrainableModel:
        """The model, if it can be trained so; with an encoder too.

        Raises:
            NodeError: it cannot.
        """
        base = checked_base(model)
        check_encoded(base, params)
        return base

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        settings = TrainingSettings(kind="supervised", params=params.plain(), more=params.sampled())
        base = self.base_of(inputs.model, params)
        job = Job(base, inputs.data, inputs.held_out, settings)
        recipe = EncodedSupervised() if job.encodes else Supervised()
        record, outputs = await outcome_of(job, recipe, ctx)
        outputs["samples"] = samples_of(record)
        outputs |= await ctx.blocking(_scripts, job, len(record["figures"]))
        return self.Outputs(**outputs)


def _scripts(job: Job, steps: int) -> dict[str, str]:
    folder = folder_of(root_of(job.base).weights, quiet)
    return scripts_of(job, folder, steps)
