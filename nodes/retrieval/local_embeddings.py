"""Descriptions of embeddings models that run in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, JsonValue

from patchbay.nodes import gpus
from patchbay.nodes.retrieval.folder_spec import WORKSPACE, weights_memory
from patchbay.nodes.values import EmbeddingsSpec, Opening
from patchbay.nodes.weights.manifest import EMBEDDINGS_DEFAULT, FOLDERS

if TYPE_CHECKING:
    from patchbay.nodes.models.far import Far
    from patchbay.nodes.retrieval.encoder import TransformerEmbeddings
    from patchbay.nodes.retrieval.far import FarEmbeddings


class LocalEmbeddings(EmbeddingsSpec):
    """A sentence encoder with a name, run by transformers in this process.

    `max_tokens` is where a text is cut (None: as the model says), `batch` how many texts are
    computed at once.
    """

    backend: ClassVar[str] = "local"
    hosted: ClassVar[bool] = True
    elsewhere: ClassVar[bool] = True

    weights: str = EMBEDDINGS_DEFAULT
    max_tokens: int | None = Field(None, ge=8, le=8192)
    batch: int = Field(32, ge=1, le=1024)

    def content_key(self) -> JsonValue:
        """What the vectors depend on: the content of the weights and where texts are cut."""
        from patchbay.nodes.weights.folders import folder_id

        key = folder_id(self.weights)
        return {"$type": "embeddings", "weights": key, "max_tokens": self.max_tokens}

    def memory(self) -> int | None:
        """Estimated bytes: the weights and a working margin; None before they are here."""
        if (named := FOLDERS.get(self.weights)) is not None:
            return named.size + WORKSPACE
        return weights_memory(self.weights)

    @property
    def gpu(self) -> int | None:
        """The graphics card that it runs on, where one is usable."""
        return gpus.place_of("auto")

    def is_here(self) -> bool:
        """Whether its content is known: it is pinned, or on this machine."""
        from patchbay.nodes.weights.folders import find_folder

        return self.weights in FOLDERS or find_folder(self.weights) is not None

    def handle(self, far: Far) -> FarEmbeddings:
        """What stands here for one that is open elsewhere."""
        from patchbay.nodes.retrieval.far import FarEmbeddings

        return FarEmbeddings(far)

    def open(self, opening: Opening) -> TransformerEmbeddings:
        """Fetch the weights if need be and load them.

        Raises:
            NodeError: the weights cannot be had, or do not load.
        """
        from patchbay.nodes.weights.folders import resolve_folder

        folder = resolve_folder(self.weights, opening.report)
        opening.report(f"Loading {self.weights}", 0, None)
        from patchbay.nodes.retrieval.encoder import load_encoder

        return load_encoder(folder, max_tokens=self.max_tokens, batch=self.batch)


class HuggingFaceEmbeddings(LocalEmbeddings):
    """A sentence encoder from a hub (`hf:owner/repo[@revision]`) or a folder on this machine."""

    backend: ClassVar[str] = "huggingface"

    weights: str
