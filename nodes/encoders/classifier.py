"""An encoder with a head that labels texts. Imported only where one is opened or trained."""

from __future__ import annotations

import inspect
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.libraries import making_networks
from patchbay.nodes.retrieval.networks import load_network

if TYPE_CHECKING:
    import torch

ABOUT, HEAD, ENCODER = "classifier.json", "head.safetensors", "encoder"
BATCH = 16


class EncoderReader:
    """Turns texts into the vectors that a head reads: the mean of the last layer's tokens.

    Args:
        model, tokenizer: as `transformers` loaded them.
        max_tokens: where a text is cut; less where the network reads less.
    """

    def __init__(self, model: Any, tokenizer: Any, max_tokens: int) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.width = int(getattr(model.config, "hidden_size", 0) or model.config.dim)
        self.max_tokens = min(max_tokens, _positions(model), int(tokenizer.model_max_length))
        self._takes = set(inspect.signature(model.forward).parameters)

    def vectors(self, texts: Sequence[str]) -> torch.Tensor:
        """A vector for each text; with the gradients that are switched on."""
        tokens = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.max_tokens,
            return_tensors="pt",
        ).to(self.model.device)  # fmt: skip
        given = {name: value for name, value in tokens.items() if name in self._takes}
        states = self.model(**given).last_hidden_state
        weights = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1)

    def too_long(self, texts: Sequence[str]) -> int:
        """How many of them are longer than what is read."""
        if not texts:
            return 0
        tokens = self.tokenizer(list(texts), verbose=False)["input_ids"]
        return sum(len(one) > self.max_tokens for one in tokens)


def _positions(model: Any) -> int:
    """How many tokens a network reads. RoBERTa counts its places from behind the padding."""
    most = int(getattr(model.config, "max_position_embeddings", 512))
    if "roberta" in str(getattr(model.config, "model_type", "")):
        most -= int(model.config.pad_token_id or 0) + 1
    return most


@making_networks()
def load_reader(folder: Path, max_tokens: int) -> EncoderReader:
    """Load an encoder: BERT, RoBERTa, DistilBERT, ALBERT, MiniLM. No code from it is run.

    Raises:
        NodeError: it does not load.
    """
    model, tokenizer = load_network(
        folder, "AutoModel", what="encoder",
        fix="Use a BERT, RoBERTa, DistilBERT, ALBERT or MiniLM with safetensors.",
        code="encoder/unloadable",
    )  # fmt: skip
    return EncoderReader(model, tokenizer, max_tokens)


class TextClassifier:
    """Labels texts.

    Args:
        reader: gives the vectors.
        weight, bias: of the linear head.
        labels: in the order of the head's rows.
    """

    def __init__(
        self, reader: EncoderReader, weight: Any, bias: Any, labels: Sequence[str]
    ) -> None:
        self._reader: EncoderReader | None = reader
        self._weight, self._bias = weight.to(reader.model.device), bias.to(reader.model.device)
        self.labels = tuple(labels)
        self._lock = threading.Lock()  # a tokenizer remembers its padding: one caller at a time

    def probabilities(self, texts: Sequence[str]) -> list[list[float]]:
        """For each text the probability of each label."""
        import torch

        assert self._reader is not None  # noqa: S101 - it is open
        found: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            with self._lock, torch.inference_mode():
                vectors = self._reader.vectors(texts[start : start + BATCH])
                logits = vectors @ self._weight.T + self._bias
                found += logits.softmax(-1).tolist()
        return found

    def close(self) -> None:
        """Let go of the network."""
        self._reader = None


def load_classifier(folder: Path, encoder: Path) -> TextClassifier:
    """A classifier that was trained here.

    Args:
        folder: what the training has kept.
        encoder: where its encoder lies; inside the folder where all of it was trained.

    Raises:
        NodeError: it does not load.
    """
    from safetensors.torch import load_file

    try:
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        head = load_file(folder / HEAD)
        labels, max_tokens = about["labels"], int(about["max_tokens"])
    except (OSError, ValueError, KeyError) as error:
        raise NodeError(
            f"The classifier in {folder} cannot be read: {error}.",
            fix="Run the node that trained it again.",
            code="encoder/unloadable",
            retry=False,
        ) from error
    reader = load_reader(encoder, max_tokens)
    return TextClassifier(reader, head["weight"], head["bias"], labels)
