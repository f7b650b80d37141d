"""Texts to vectors with a transformer, in this process. Imported only where one is opened."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

from patchbay.nodes.cut_texts import CutTexts
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.libraries import making_networks
from patchbay.nodes.retrieval.networks import load_network

if TYPE_CHECKING:
    import torch

POOLING = ("mean", "cls")
KNOWN_MODULES = {"Transformer", "Pooling", "Normalize"}


class TransformerEmbeddings(Embeddings):
    """A sentence encoder (Reimers & Gurevych 2019, "Sentence-BERT", arXiv:1908.10084).

    The vector of a text is the mean of its tokens' vectors (or the first token's), scaled to
    length one, so that a dot product is a cosine.

    Args:
        model, tokenizer: as `transformers` loaded them.
        pooling: `mean` or `cls`.
        max_tokens: where a text is cut.
        batch: texts that are computed at once.
    """

    def __init__(
        self, model: Any, tokenizer: Any, *, pooling: str, max_tokens: int, batch: int
    ) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._pooling, self.max_tokens, self._batch = pooling, max_tokens, batch
        self._cut = CutTexts()
        self._lock = threading.Lock()  # a tokenizer remembers its padding: one caller at a time

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector of length one for each text. Texts are batched by length: less is padded."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)
        vectors: list[list[float]] = [[] for _ in texts]
        for start in range(0, len(order), self._batch):
            chosen = order[start : start + self._batch]
            for index, vector in zip(chosen, self._encode([texts[i] for i in chosen]), strict=True):
                vectors[index] = vector
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question; this kind of model treats it like any text."""
        return self._encode([text])[0]

    def _encode(self, texts: Sequence[str]) -> list[list[float]]:
        import torch

        with self._lock, torch.inference_mode():
            tokens = self._tokenizer(
                list(texts),
                padding=True,
                truncation=True,
                max_length=self.max_tokens,
                return_tensors="pt",
            ).to(self._model.device)
            self._cut.add(int((tokens["attention_mask"].sum(1) >= self.max_tokens).sum()))
            states = self._model(**tokens).last_hidden_state
            pooled = self._pool(states, tokens["attention_mask"])
            vectors: list[list[float]] = torch.nn.functional.normalize(pooled, dim=1).tolist()
            return vectors

    def _pool(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if self._pooling == "cls":
            return states[:, 0]
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)

    def take_cut(self) -> int:
        """How many texts were as long as can be read, or longer, since this thread last asked."""
        return self._cut.take()

    def close(self) -> None:
        """Let go of the network."""
        self._model = self._tokenizer = None


@making_networks()
def load_encoder(folder: Path, *, max_tokens: int | None, batch: int) -> TransformerEmbeddings:
    """Load a sentence encoder from a folder of safetensors. No code from it is run.

    Raises:
        NodeError: it does not load, or does something that is not supported.
    """
    pooling, normal = _how(folder)
    model, tokenizer = load_network(
        folder, "AutoModel", what="embeddings model",
        fix="Use a sentence encoder with safetensors that transformers knows by itself.",
        code="embeddings/broken",
    )  # fmt: skip
    limit = min(normal, int(getattr(model.config, "max_position_embeddings", normal)))
    return TransformerEmbeddings(
        model, tokenizer, pooling=pooling, max_tokens=min(max_tokens or limit, limit), batch=batch
    )


def _how(folder: Path) -> tuple[str, int]:
    """Pooling and usual length in tokens, as the folder's own notes say; else mean and 512."""
    modules = _notes(folder / "modules.json", [])
    kinds = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules]
    if strange := [kind for kind in kinds if kind not in KNOWN_MODULES]:
        raise _unsupported(folder, f"it ends in a {strange[0]} layer")
    pooling = _notes(folder / "1_Pooling" / "config.json", {})
    chosen = [
        name for name, on in pooling.items() if name.startswith("pooling_mode_") and on is True
    ]
    mode = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
    if len(chosen) > 1 or any(name not in mode for name in chosen):
        raise _unsupported(folder, f"it pools by {' and '.join(chosen)}")
    length = _notes(folder / "sentence_bert_config.json", {}).get("max_seq_length") or 512
    return (mode[chosen[0]] if chosen else "mean"), int(length)


def _notes(path: Path, otherwise: Any) -> Any:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return otherwise
    return found if isinstance(found, type(otherwise)) else otherwise


def _unsupported(folder: Path, why: str) -> NodeError:
    return NodeError(
        f"The embeddings model in {folder} cannot be used: {why}.",
        fix="Use one that pools by the mean or the first token, such as all-minilm-l6-v2.",
        code="embeddings/unsupported",
        retry=False,
    )
