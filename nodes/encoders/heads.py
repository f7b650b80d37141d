"""Encoders with a head: entailment and masks. Imported only where one is opened."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.libraries import making_networks
from patchbay.nodes.models.transformers.placing import placed

BATCH = 16


class Entailment:
    """Says how likely a text entails a sentence.

    Args:
        model, tokenizer: as `transformers` loaded them.
        entails: the place of the class "entailment" among the network's.
        against: the place of "contradiction", or of "not entailment".
    """

    def __init__(self, model: Any, tokenizer: Any, entails: int, against: int) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._entails, self._against = entails, against
        self._lock = threading.Lock()

    def logits(self, text: str, sentences: Sequence[str]) -> list[tuple[float, float]]:
        """For each sentence the logit of entailment, and that of what is against it."""
        import torch

        found: list[tuple[float, float]] = []
        for start in range(0, len(sentences), BATCH):
            batch = list(sentences[start : start + BATCH])
            with self._lock, torch.inference_mode():
                tokens = self._tokenizer(
                    [text] * len(batch), batch, padding=True, truncation="only_first",
                    return_tensors="pt",
                ).to(self._model.device)  # fmt: skip
                rows = self._model(**tokens).logits
            found += [(float(r[self._entails]), float(r[self._against])) for r in rows]
        return found

    def close(self) -> None:
        """Let go of the network."""
        self._model = self._tokenizer = None


class Filling(NamedTuple):
    """A word for one mask, with its probability."""

    word: str
    probability: float


class MaskFiller:
    """Says what words may stand for the masks of a text (Devlin et al. 2019, BERT,
    arXiv:1810.04805).

    Args:
        model, tokenizer: as `transformers` loaded them.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._lock = threading.Lock()
        self.mask = str(tokenizer.mask_token)
        """How the network writes a mask: `[MASK]`, `<mask>`."""
        self.max_tokens = min(
            int(tokenizer.model_max_length), int(model.config.max_position_embeddings)
        )

    def fill(self, text: str, most: int) -> list[list[Filling]]:
        """The likeliest words for each mask, in order; each mask by itself.

        Raises:
            NodeError: the text is too long.
        """
        import torch

        with self._lock, torch.inference_mode():
            tokens = self._tokenizer(text, return_tensors="pt").to(self._model.device)
            ids = tokens["input_ids"][0]
            if len(ids) > self.max_tokens:
                raise NodeError(
                    f"The text has {len(ids):,} tokens; the model reads {self.max_tokens:,}.",
                    fix="Shorten it.",
                    port="text",
                    code="encoder/too-long",
                    retry=False,
                )
            places = (ids == self._tokenizer.mask_token_id).nonzero().flatten().tolist()
            logits = self._model(**tokens).logits[0, places]
            best = logits.softmax(-1).topk(min(most, logits.shape[-1]))
        return [
            [
                Filling(self._tokenizer.decode([i]).strip(), float(p))
                for i, p in zip(indices, values, strict=True)
            ]
            for values, indices in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]

    def close(self) -> None:
        """Let go of the network."""
        self._model = self._tokenizer = None


@making_networks()
def load_entailment(folder: Path) -> Entailment:
    """Load a classifier that was trained on entailment. No code from its folder is run.

    Raises:
        NodeError: it does not load, or knows no class "entailment".
    """
    from transformers import AutoModelForSequenceClassification

    model, tokenizer = _loaded(folder, AutoModelForSequenceClassification)
    names = {str(name).lower(): int(place) for place, name in model.config.id2label.items()}
    entails = names.get("entailment")
    against = next(
        (names[n] for n in ("contradiction", "not_entailment", "not entailment") if n in names),
        None,
    )
    if entails is None or against is None:
        raise NodeError(
            f"The model in {folder} was not trained on entailment: it tells apart "
            f"{', '.join(names)}.",
            fix="Use a model trained on natural language inference (NLI).",
            code="encoder/unloadable",
            retry=False,
        )
    return Entailment(model, tokenizer, entails, against)


@making_networks()
def load_mask_filler(folder: Path) -> MaskFiller:
    """Load a masked language model. No code from its folder is run.

    Raises:
        NodeError: it does not load, or knows no mask.
    """
    from transformers import AutoModelForMaskedLM

    model, tokenizer = _loaded(folder, AutoModelForMaskedLM)
    if tokenizer.mask_token is None:
        raise _unloadable(folder, "its tokenizer has no mask")
    return MaskFiller(model, tokenizer)


def _loaded(folder: Path, kind: Any) -> tuple[Any, Any]:
    from transformers import AutoTokenizer

    safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), **safe)
        model, about = kind.from_pretrained(
            str(folder), use_safetensors=True, output_loading_info=True, **safe
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise _unloadable(folder, str(error)) from error
    if missing := sorted(about["missing_keys"]):
        # Transformers would draw the head by chance, and its answers would be chance, too.
        raise _unloadable(folder, f"its weights lack {missing[0]}")
    if tokenizer.model_max_length > 100_000:  # "no limit" is a very large number there
        tokenizer.model_max_length = int(getattr(model.config, "max_position_embeddings", 512))
    return placed(model.eval(), "encoder"), tokenizer


def _unloadable(folder: Path, why: str) -> NodeError:
    return NodeError(
        f"The model in {folder} cannot be used here: {why}.",
        fix="Use one with safetensors that was trained for this.",
        code="encoder/unloadable",
        retry=False,
    )
