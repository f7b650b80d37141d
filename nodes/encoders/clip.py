"""Texts and pictures to vectors of one space, with CLIP. Imported only where one is opened."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.embeddings import Embeddings

from patchbay.nodes.cut_texts import CutTexts
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.picture_files import open_picture
from patchbay.nodes.models.transformers.libraries import making_networks
from patchbay.nodes.models.transformers.placing import placed


class ClipEncoder(Embeddings):
    """CLIP (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language
    Supervision", arXiv:2103.00020): a text and a picture that belong together point the same way.

    All vectors have length one, so that a dot product is a cosine.

    Args:
        model, tokenizer, pictures: as `transformers` loaded them.
        batch: texts or pictures that are computed at once.
    """

    def __init__(self, model: Any, tokenizer: Any, pictures: Any, *, batch: int) -> None:
        self._model, self._tokenizer, self._pictures = model, tokenizer, pictures
        self._batch, self._cut = batch, CutTexts()
        self._lock = threading.Lock()
        self.max_tokens = int(model.config.text_config.max_position_embeddings)
        self.scale = float(model.logit_scale.detach().exp())
        """What a cosine is multiplied by before a softmax, as the network has learned it."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector of length one for each text; what is longer than `max_tokens` is cut."""
        return [vector for some in self._batches(texts) for vector in self._texts(some)]

    def embed_query(self, text: str) -> list[float]:
        """The vector of a text."""
        return self._texts([text])[0]

    def embed_pictures(self, files: Sequence[bytes]) -> list[list[float]]:
        """A vector of length one for each picture, given as the content of its file.

        Raises:
            NodeError: one is no picture that can be read.
        """
        return [vector for some in self._batches(files) for vector in self._seen(some)]

    def take_cut(self) -> int:
        """How many texts were cut since this thread last asked."""
        return self._cut.take()

    def close(self) -> None:
        """Let go of the network."""
        self._model = self._tokenizer = self._pictures = None

    def _batches(self, things: Sequence[Any]) -> list[Sequence[Any]]:
        return [things[i : i + self._batch] for i in range(0, len(things), self._batch)]

    def _texts(self, texts: Sequence[str]) -> list[list[float]]:
        import torch

        with self._lock, torch.inference_mode():
            tokens = self._tokenizer(
                list(texts), padding=True, truncation=True, max_length=self.max_tokens,
                return_tensors="pt",
            ).to(self._model.device)  # fmt: skip
            self._cut.add(int((tokens["attention_mask"].sum(1) >= self.max_tokens).sum()))
            return _unit(self._model.get_text_features(**tokens).pooler_output)

    def _seen(self, files: Sequence[bytes]) -> list[list[float]]:
        import torch

        images = [open_picture(data) for data in files]
        with self._lock, torch.inference_mode():
            given = self._pictures(images=images, return_tensors="pt").to(self._model.device)
            return _unit(self._model.get_image_features(**given).pooler_output)


def _unit(vectors: Any) -> list[list[float]]:
    import torch

    unit: list[list[float]] = torch.nn.functional.normalize(vectors, dim=1).tolist()
    return unit


@making_networks()
def load_clip(folder: Path, *, batch: int) -> ClipEncoder:
    """Load CLIP from a folder of safetensors. No code from it is run.

    Raises:
        NodeError: it is no CLIP, or does not load.
    """
    from transformers import AutoConfig, AutoTokenizer, CLIPModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(str(folder), **safe)
        if config.model_type != "clip":
            raise ValueError(f"it is a {config.model_type} network")
        tokenizer = AutoTokenizer.from_pretrained(str(folder), **safe)
        model = CLIPModel.from_pretrained(str(folder), local_files_only=True, use_safetensors=True)
        pictures = _preprocessor(CLIPImageProcessorPil, folder, config.vision_config.image_size)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise NodeError(
            f"The CLIP model in {folder} does not load: {error}",
            fix="Use a CLIP with safetensors, such as hf:laion/CLIP-ViT-B-32-laion2B-s34B-b79K.",
            code="embeddings/broken",
            retry=False,
        ) from error
    network = placed(model.eval(), "CLIP model")
    return ClipEncoder(network, tokenizer, pictures, batch=batch)


def _preprocessor(kind: Any, folder: Path, size: int) -> Any:
    from patchbay.nodes.encoders.clip_spec import PREPROCESSOR

    if (folder / PREPROCESSOR).is_file():
        return kind.from_pretrained(str(folder), local_files_only=True)
    return kind(size={"shortest_edge": size}, crop_size={"height": size, "width": size})
