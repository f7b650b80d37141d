"""Score pairs of query and text with a transformer. Imported only where one is opened."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patchbay.nodes.models.transformers.libraries import making_networks
from patchbay.nodes.retrieval.networks import load_network

BATCH = 16


class CrossEncoder:
    """Reads query and text together and says how well they fit (Nogueira & Cho 2019,
    "Passage Re-ranking with BERT", arXiv:1901.04085).

    Args:
        model, tokenizer: as `transformers` loaded them; the model gives one number for a pair, or
            one for each of two classes of which the second says that they fit.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._lock = threading.Lock()

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """A number for each text; higher is better."""
        import torch

        scores: list[float] = []
        for start in range(0, len(texts), BATCH):
            batch = list(texts[start : start + BATCH])
            with self._lock, torch.inference_mode():
                tokens = self._tokenizer(
                    [query] * len(batch), batch, padding=True, truncation=True, return_tensors="pt"
                ).to(self._model.device)
                scores += self._model(**tokens).logits[:, -1].tolist()
        return scores

    def close(self) -> None:
        """Let go of the network."""
        self._model = self._tokenizer = None


@making_networks()
def load_cross_encoder(folder: Path) -> CrossEncoder:
    """Load a cross-encoder from a folder of safetensors. No code from it is run.

    Raises:
        NodeError: it does not load.
    """
    model, tokenizer = load_network(
        folder, "AutoModelForSequenceClassification", what="cross-encoder",
        fix="Use a model for sequence classification with safetensors.",
        code="retrieval/broken-reranker",
    )  # fmt: skip
    if tokenizer.model_max_length > 512:  # "no limit" is a very large number there
        tokenizer.model_max_length = getattr(model.config, "max_position_embeddings", 512)
    return CrossEncoder(model, tokenizer)
