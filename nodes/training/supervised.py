"""Supervised training by TRL's SFTTrainer."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.training.datasets import DataSet
from patchbay.nodes.training.doing import BaseOpening, arguments
from patchbay.nodes.training.handing_on import network_for
from patchbay.nodes.training.held_out import RowLosses, losses
from patchbay.nodes.training.job import Job, tokens_of
from patchbay.nodes.training.methods import begin, peft_config
from patchbay.nodes.training.row_notes import RowNotes
from patchbay.nodes.training.tokens import RowReader, RowTokens
from patchbay.nodes.training.watching import Watch, hush, made_trainer


class Supervised:
    """Answers that are known: the loss is that of their tokens."""

    measures = "Loss of a learned token"

    def rows(
        self, job: Job, data: DataSet, reader: RowReader, notes: RowNotes | None = None
    ) -> list[RowTokens]:
        """The rows as tokens, with what is learned of them."""
        return tokens_of(job, data, reader, notes)

    def sizes(self, rows: list[RowTokens]) -> list[RowTokens]:
        """The rows themselves."""
        return rows

    def measured(self, trainer: Any, rows: list[RowTokens]) -> RowLosses:
        """The loss of each row."""
        return losses(trainer, rows)

    def trainer(self, job: Job, tokenizer: Any, rows: list[RowTokens], watch: Watch) -> Any:
        """TRL's SFTTrainer."""
        import datasets
        import transformers
        from trl.trainer.sft_config import SFTConfig
        from trl.trainer.sft_trainer import SFTTrainer

        hush()

        params = job.settings.params
        network = network_for(job, BaseOpening(watch.report))
        total = job.settings.total_steps(len(rows))
        data = datasets.Dataset.from_list(
            [{"input_ids": list(row.ids), "labels": row.labels} for row in rows]
        )
        args = SFTConfig(
            output_dir=str(job.place.checkpoints),
            max_length=None,  # the rows are cut already
            dataset_kwargs={"skip_prepare_dataset": True},
            **arguments(job, total),
        )
        transformers.set_seed(params.seed)
        trainer = made_trainer(
            SFTTrainer,
            watch,
            model=network,
            args=args,
            train_dataset=data,
            processing_class=tokenizer,
            peft_config=peft_config(job.settings, network),
        )
        begin(job.settings, trainer.model, tokenizer)
        return trainer
