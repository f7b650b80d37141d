"""Preference tuning by TRL's DPOTrainer.

Rafailov et al. 2023, "Direct Preference Optimization", arXiv:2305.18290. The reference is the model
that is wired: the network with its trained part off, or a second copy of it where that part is more
than an addition (all weights, PiSSA, OLoRA), never one that is read anew by a name on disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from patchbay.nodes.contract import NodeError
from patchbay.nodes.training.base import network_of
from patchbay.nodes.training.datasets import DataSet
from patchbay.nodes.training.doing import BaseOpening, arguments
from patchbay.nodes.training.handing_on import network_for
from patchbay.nodes.training.held_out import MOST, RowLosses, measuring
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.methods import begin, peft_config
from patchbay.nodes.training.row_notes import ALIKE, CUT, CUT_WHOLE, RowNotes
from patchbay.nodes.training.tokens import RowReader, RowTokens, same_start
from patchbay.nodes.training.watching import Watch, hush, made_trainer


@dataclass(frozen=True, slots=True)
class PairTokens:
    """A prompt and two answers as tokens."""

    prompt: tuple[int, ...]
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]


class Preference:
    """Answers that are preferred to others."""

    measures = "How much likelier the preferred answer is, in nats"

    def rows(
        self, job: Job, data: DataSet, reader: RowReader, notes: RowNotes | None = None
    ) -> list[PairTokens]:
        """The pairs as tokens, cut to the limit; those whose prompt fills it are left out.

        Raises:
            NodeError: nothing is left.
        """
        limit, notes = job.settings.params.limit, RowNotes() if notes is None else notes
        whole = [_pair(reader, row, number) for number, row in enumerate(data.read(), 1)]
        notes.rows = len(whole)
        good = []
        for pair in whole:
            room = limit - len(pair.prompt)
            if room <= 0:
                notes.add(CUT_WHOLE)
                continue
            cut = PairTokens(pair.prompt, pair.chosen[:room], pair.rejected[:room])
            if cut != pair:
                notes.add(CUT if cut.chosen != cut.rejected else ALIKE)
            good.append(cut)
        if good:
            return good
        raise NodeError(
            f"Of the {len(whole)} pairs none has a prompt shorter than {limit} tokens.",
            fix="Raise the limit of tokens.",
            port="data",
            param="limit",
            code="training/no-rows",
            retry=False,
        )

    def sizes(self, rows: list[PairTokens]) -> list[RowTokens]:
        """Both answers of each pair are computed, by the model and by its reference."""
        both = [r.prompt + answer for r in rows for answer in (r.chosen, r.rejected)]
        sized = [RowTokens(ids + ids, (True,) * 2 * len(ids)) for ids in both]
        return sized

    def measured(self, trainer: Any, rows: list[PairTokens]) -> RowLosses:
        """How much likelier the preferred answer of each pair is, in nats."""
        network = trainer.model
        found: RowLosses = []
        with measuring(network):
            for row in rows[:MOST]:
                chosen, rejected = (
                    _likelihood(network, row.prompt, answer)
                    for answer in (row.chosen, row.rejected)
                )
                found.append((chosen - rejected, 1))
        return found

    def trainer(self, job: Job, tokenizer: Any, rows: list[PairTokens], watch: Watch) -> Any:
        """TRL's DPOTrainer."""
        import datasets
        import transformers
        from trl.trainer.dpo_config import DPOConfig
        from trl.trainer.dpo_trainer import DPOTrainer

        hush()

        class OnTokens(DPOTrainer):
            """Takes pairs that are tokens already; the library's makes them of texts alone."""

            def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
                return dataset

        params, how = job.settings.params, BaseOpening(watch.report)
        network = network_for(job, how)
        reference = None
        if params.method == "all weights" or params.start != "zero":
            reference, _ = network_of(job.base, params.precision, None, how)
        data = datasets.Dataset.from_list(
            [
                {"prompt_ids": list(r.prompt), "chosen_ids": list(r.chosen),
                 "rejected_ids": list(r.rejected)}
                for r in rows
            ]
        )  # fmt: skip
        args = DPOConfig(
            output_dir=str(job.place.checkpoints),
            max_length=None,  # the rows are cut already
            disable_dropout=not job.settings.params.dropout,
            beta=float(job.settings.more["beta"]),
            **arguments(job, job.settings.total_steps(len(rows))),
        )
        transformers.set_seed(params.seed)
        trainer = made_trainer(
            OnTokens,
            watch,
            model=network,
            ref_model=reference,
            args=args,
            train_dataset=data,
            processing_class=tokenizer,
            peft_config=peft_config(job.settings, network),
        )
        begin(job.settings, trainer.model, tokenizer)
        return trainer


def _pair(reader: RowReader, row: dict[str, Any], number: int) -> PairTokens:
    asked = reader.ids(row["prompt"], None, number, asks=True)

    def whole(answer: str) -> list[int]:
        said = [*row["prompt"], {"role": "assistant", "content": answer}]
        return reader.ids(said, None, number)

    chosen, rejected = whole(row["chosen"]), whole(row["rejected"])
    at = min(same_start(asked, chosen), same_start(asked, rejected))
    return PairTokens(tuple(asked[:at]), tuple(chosen[at:]), tuple(rejected[at:]))


def _likelihood(network: Any, prompt: tuple[int, ...], answer: tuple[int, ...]) -> float:
    import torch

    ids = torch.tensor([[*prompt, *answer]], device=network.device)
    scores = network(input_ids=ids).logits[0, -len(answer) - 1 : -1].float().log_softmax(-1)
    picked = scores.gather(1, ids[0, len(prompt) :, None])
    return float(picked.sum())
