"""The description of a CLIP model: texts and pictures in one space."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, JsonValue

from patchbay.nodes import gpus
from patchbay.nodes.retrieval.folder_spec import weights_key, weights_memory
from patchbay.nodes.values import EmbeddingsSpec, Opening

if TYPE_CHECKING:
    from patchbay.nodes.encoders.clip import ClipEncoder

CLIP_DEFAULT = "hf:laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
"""An open copy of CLIP whose weights are safetensors."""

PREPROCESSOR = "preprocessor_config.json"
"""How pictures are scaled and cut, as the repository says it."""


class ClipEmbeddings(EmbeddingsSpec):
    """A CLIP model from a hub (`hf:owner/repo[@revision]`) or a folder, run in this process.

    It goes wherever embeddings go. `batch` is how many texts or pictures are computed at once.
    """

    backend: ClassVar[str] = "clip"
    hosted: ClassVar[bool] = True
    calls: ClassVar[tuple[str, ...]] = ("embed_pictures",)
    told: ClassVar[tuple[str, ...]] = ("scale",)

    weights: str = CLIP_DEFAULT
    batch: int = Field(16, ge=1, le=256)

    def content_key(self) -> JsonValue:
        """What the vectors depend on: the content of the weights."""
        return weights_key(self.tag(), self.weights)

    def memory(self) -> int | None:
        """Estimated bytes: the weights and a working margin; None before they are here."""
        return weights_memory(self.weights)

    @property
    def gpu(self) -> int | None:
        """The graphics card that it runs on, where one is usable."""
        return gpus.place_of("auto")

    def open(self, opening: Opening) -> ClipEncoder:
        """Fetch the weights if need be and load them.

        Raises:
            NodeError: the weights cannot be had, or are of no CLIP.
        """
        from patchbay.nodes.weights.folders import resolve_folder

        folder = resolve_folder(self.weights, opening.report, more=(PREPROCESSOR,))
        opening.report(f"Loading {self.weights}", 0, None)
        from patchbay.nodes.encoders.clip import load_clip

        return load_clip(folder, batch=self.batch)
