"""A reward model as a value on a wire, and how it scores answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import JsonValue

from patchbay.nodes.models.transformers.libraries import making_networks
from patchbay.nodes.models.transformers.lora import LoraModel
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.training.base import TrainableModel, network_of, reader_of
from patchbay.nodes.training.doing import BaseOpening
from patchbay.nodes.values import TAG, Value
from patchbay.nodes.weights.refs import Report


class RewardModel(Value):
    """Says how good an answer to a prompt is: a number, comparable for one prompt only.

    `path` is the folder of what was trained, `base` the model under it.
    """

    wire: ClassVar[str] = "reward model"

    path: str
    sha256: str
    base: TransformersModel | LoraModel
    limit: int = 512
    """Tokens that it reads of a prompt and its answer."""

    def content_key(self) -> JsonValue:
        """What it holds; where it lies does not matter."""
        return {TAG: self.tag(), "sha256": self.sha256, "limit": self.limit}


class Scorer:
    """An open reward model. Not thread-safe.

    Args:
        model: the value.
        report: hears of what is loaded.
    """

    def __init__(self, model: RewardModel, report: Report) -> None:
        from peft import PeftModel

        self._reader = reader_of(model.base, report)
        network = scoring_network(model.base, self._reader.tokenizer, 0, report)
        self._network: Any = PeftModel.from_pretrained(network, model.path).eval()
        self._limit = model.limit

    def scores(self, prompts: Sequence[Any], answers: Sequence[str]) -> list[float]:
        """How good each answer to its prompt is."""
        import torch

        found = []
        with torch.no_grad():
            for prompt, answer in zip(prompts, answers, strict=True):
                said = [*prompt, {"role": "assistant", "content": answer}]
                ids = self._reader.ids(said)[: self._limit]
                found.append(score_of(self._network, ids))
        return found


def score_of(network: Any, ids: Sequence[int]) -> float:
    """The one number that a network gives for tokens."""
    import torch

    row = torch.tensor([list(ids)], device=network.device)
    return float(network(input_ids=row).logits[0, 0])


@making_networks()
def scoring_network(model: TrainableModel, tokenizer: Any, seed: int, report: Report) -> Any:
    """The network of a model with one number in place of words at its end, as yet without meaning.

    Raises:
        NodeError: the weights cannot be had or do not load.
    """
    import torch
    from transformers import AutoModelForSequenceClassification

    inner, _ = network_of(model, "float32", None, BaseOpening(report))
    config = inner.config
    config.num_labels, config.pad_token_id = 1, tokenizer.pad_token_id
    torch.manual_seed(seed)
    with torch.device("meta"):
        made: Any = AutoModelForSequenceClassification.from_config(config)
    setattr(made, made.base_model_prefix, getattr(inner, inner.base_model_prefix))
    made.score = torch.nn.Linear(config.hidden_size, 1, bias=False)
    torch.nn.init.normal_(made.score.weight, std=0.02)
    return made.to(inner.device)
