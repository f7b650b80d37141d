"""The description of what puts candidates into a better order."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import JsonValue

from patchbay.nodes.retrieval.local_embeddings import WORKSPACE
from patchbay.nodes.values import Opening, Spec

if TYPE_CHECKING:
    from patchbay.nodes.retrieval.cross_encoder import CrossEncoder


class CrossEncoderModel(Spec):
    """A cross-encoder: `hf:owner/repo[@revision]`, or a folder with safetensors."""

    port: ClassVar[str] = "reranker"
    backend: ClassVar[str] = "cross-encoder"
    hosted: ClassVar[bool] = True
    calls: ClassVar[tuple[str, ...]] = ("score",)

    weights: str

    def content_key(self) -> JsonValue:
        """What results depend on: the content of the weights."""
        from patchbay.nodes.weights.folders import folder_id

        return {"$type": self.tag(), "weights": folder_id(self.weights)}

    def memory(self) -> int | None:
        """Estimated bytes: the weights and a working margin; None before they are here."""
        from patchbay.nodes.weights.folders import find_folder

        folder = find_folder(self.weights)
        return None if folder is None else (folder / "model.safetensors").stat().st_size + WORKSPACE

    def open(self, opening: Opening) -> CrossEncoder:
        """Fetch the weights if need be and load them. Raises `NodeError` where that fails."""
        from patchbay.nodes.weights.folders import resolve_folder

        folder = resolve_folder(self.weights, opening.report)
        opening.report("Loading the cross-encoder", 0, None)
        from patchbay.nodes.retrieval.cross_encoder import load_cross_encoder

        return load_cross_encoder(folder)
