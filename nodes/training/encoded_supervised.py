"""Supervised training of networks with an encoder and a decoder, by Transformers' trainer.

TRL 1.16's SFTTrainer takes networks that only decode. Raffel et al. 2020, arXiv:1910.10683.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.transformers.encoded_batch import begins_with
from patchbay.nodes.models.transformers.source import encodes
from patchbay.nodes.training.base import TrainableModel, root_of
from patchbay.nodes.training.doing import BaseOpening, arguments
from patchbay.nodes.training.handing_on import network_for
from patchbay.nodes.training.held_out import MOST, RowLosses, measuring
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.methods import begin, bits_of, peft_config
from patchbay.nodes.training.settings import TrainingParams
from patchbay.nodes.training.supervised import Supervised
from patchbay.nodes.training.tokens import RowTokens
from patchbay.nodes.training.watching import Watch, hush, made_trainer


def check_encoded(base: TrainableModel, params: TrainingParams) -> None:
    """Check that a network with an encoder is not trained in a way that it has not.

    Raises:
        NodeError: it is.
    """
    if params.method == "prefix tuning" and encodes(root_of(base).weights):
        raise NodeError(
            f"The model {root_of(base).weights!r} has an encoder and a decoder; prefixes are "
            "trained here for networks that only decode.",
            fix='Set the method to "prompt tuning", whose tokens the encoder reads, or "LoRA".',
            param="method",
            code="training/encoder-decoder",
            retry=False,
        )


class EncodedSupervised(Supervised):
    """Answers that are known, of a network that reads with an encoder."""

    def trainer(self, job: Job, tokenizer: Any, rows: list[RowTokens], watch: Watch) -> Any:
        """Seq2SeqTrainer of Transformers, with the loss of all tokens of a step."""
        import transformers

        hush()
        params = job.settings.params
        network = network_for(job, BaseOpening(watch.report))
        config = peft_config(job.settings, network)
        transformers.set_seed(params.seed)
        if config is not None:
            from peft import get_peft_model

            if bits_of(job.settings) is not None:
                from peft import prepare_model_for_kbit_training

                network = prepare_model_for_kbit_training(
                    network, use_gradient_checkpointing=params.checkpointing
                )
            network = get_peft_model(network, config)
        trainer = made_trainer(
            transformers.Seq2SeqTrainer,
            watch,
            model=network,
            args=transformers.Seq2SeqTrainingArguments(
                output_dir=str(job.place.checkpoints),
                **arguments(job, job.settings.total_steps(len(rows))),
            ),
            train_dataset=[example(row) for row in rows],
            data_collator=Collator(tokenizer.pad_token_id, begins_with(network.config)),
            compute_loss_func=loss_of,
        )
        begin(job.settings, trainer.model, tokenizer)
        return trainer

    def measured(self, trainer: Any, rows: list[RowTokens]) -> RowLosses:
        """The loss of each row."""
        found: RowLosses = []
        with measuring(trainer.model) as network:
            for row in rows[:MOST]:
                batch = trainer._prepare_inputs(trainer.data_collator([example(row)]))
                labels = batch.pop("labels")
                found.append((float(loss_of(network(**batch), labels)) * row.taught, row.taught))
        return found


def example(row: RowTokens) -> dict[str, list[int]]:
    """A row as a trainer takes it: what the encoder reads, and what the decoder is to say."""
    at = row.learned.index(True)
    return {"input_ids": list(row.ids[:at]), "labels": list(row.ids[at:])}


class Collator:
    """Puts examples together, padded on the right.

    Args:
        filler: the token that rows are padded with.
        begins: the token that a decoder begins with.
    """

    def __init__(self, filler: int, begins: int) -> None:
        self._filler, self._begins = filler, begins

    def __call__(self, examples: Sequence[Mapping[str, list[int]]]) -> dict[str, Any]:
        """A batch."""
        import torch

        read = [one["input_ids"] for one in examples]
        said = [one["labels"] for one in examples]
        heard = [[self._begins, *one[:-1]] for one in said]
        return {
            "input_ids": torch.tensor(_padded(read, self._filler)),
            "attention_mask": torch.tensor(_padded([[1] * len(one) for one in read], 0)),
            "decoder_input_ids": torch.tensor(_padded(heard, self._filler)),
            "labels": torch.tensor(_padded(said, -100)),
        }


def _padded(lines: Sequence[list[int]], filler: int) -> list[list[int]]:
    longest = max(map(len, lines))
    return [line + [filler] * (longest - len(line)) for line in lines]


def loss_of(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
    """The loss of a learned token, over all batches of a step.

    T5's own is the mean of one batch; Transformers 5.24 takes it for a share of the step and leaves
    it undivided, so that gradients of several batches are too strong by their number.
    """
    from torch.nn.functional import cross_entropy

    scores = outputs.logits.float().flatten(0, 1)
    total = cross_entropy(scores, labels.flatten(), ignore_index=-100, reduction="sum")
    return total / ((labels != -100).sum() if num_items_in_batch is None else num_items_in_batch)
