"""A reward model by TRL's RewardTrainer.

Bradley & Terry 1952; Ouyang et al. 2022, arXiv:2203.02155. The loss of a pair is
-log σ(r of the preferred answer - r of the other).
"""

from __future__ import annotations

from typing import Any

from patchbay.nodes.training.datasets import DataSet
from patchbay.nodes.training.doing import arguments
from patchbay.nodes.training.held_out import MOST, RowLosses, measuring
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.methods import peft_config
from patchbay.nodes.training.preference import PairTokens, Preference
from patchbay.nodes.training.reward_value import score_of, scoring_network
from patchbay.nodes.training.row_notes import RowNotes
from patchbay.nodes.training.tokens import RowReader, RowTokens
from patchbay.nodes.training.watching import Watch, hush, made_trainer


class Reward:
    """Which of two answers is the better one."""

    measures = "Pairs of which the preferred answer scores higher"

    def rows(
        self, job: Job, data: DataSet, reader: RowReader, notes: RowNotes | None = None
    ) -> list[PairTokens]:
        """The pairs as tokens."""
        return Preference().rows(job, data, reader, notes)

    def sizes(self, rows: list[PairTokens]) -> list[RowTokens]:
        """Both answers of each pair are computed."""
        both = [r.prompt + answer for r in rows for answer in (r.chosen, r.rejected)]
        return [RowTokens(ids, (True,) * len(ids)) for ids in both]

    def measured(self, trainer: Any, rows: list[PairTokens]) -> RowLosses:
        """1 for each pair whose preferred answer scores higher."""
        found: RowLosses = []
        with measuring(trainer.model) as network:
            for row in rows[:MOST]:
                chosen, rejected = (
                    score_of(network, row.prompt + answer) for answer in (row.chosen, row.rejected)
                )
                found.append((float(chosen > rejected), 1))
        return found

    def trainer(self, job: Job, tokenizer: Any, rows: list[PairTokens], watch: Watch) -> Any:
        """TRL's RewardTrainer."""
        import datasets
        import transformers
        from trl.trainer.reward_config import RewardConfig
        from trl.trainer.reward_trainer import RewardTrainer

        hush()
        seed = job.settings.params.seed
        network = scoring_network(job.base, tokenizer, seed, watch.report)
        data = datasets.Dataset.from_list(
            [
                {"chosen_ids": [*r.prompt, *r.chosen], "rejected_ids": [*r.prompt, *r.rejected]}
                for r in rows
            ]
        )
        args = RewardConfig(
            output_dir=str(job.place.checkpoints),
            max_length=None,  # the rows are cut already
            disable_dropout=not job.settings.params.dropout,
            **arguments(job, job.settings.total_steps(len(rows))),
        )
        config = peft_config(job.settings, network)
        config.task_type, config.modules_to_save = "SEQ_CLS", ["score"]
        transformers.set_seed(seed)
        return made_trainer(
            RewardTrainer,
            watch,
            model=network,
            args=args,
            train_dataset=data,
            processing_class=tokenizer,
            peft_config=config,
        )
