"""The description of what puts candidates into a better order."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from patchbay.nodes.retrieval.folder_spec import FolderSpec
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from patchbay.nodes.retrieval.cross_encoder import CrossEncoder


class CrossEncoderModel(FolderSpec):
    """A cross-encoder: `hf:owner/repo[@revision]`, or a folder with safetensors."""

    port: ClassVar[str] = "reranker"
    backend: ClassVar[str] = "cross-encoder"
    hosted: ClassVar[bool] = True
    calls: ClassVar[tuple[str, ...]] = ("score",)

    def open(self, opening: Opening) -> CrossEncoder:
        """Fetch the weights if need be and load them. Raises `NodeError` where that fails."""
        from patchbay.nodes.weights.folders import resolve_folder

        folder = resolve_folder(self.weights, opening.report)
        opening.report("Loading the cross-encoder", 0, None)
        from patchbay.nodes.retrieval.cross_encoder import load_cross_encoder

        return load_cross_encoder(folder)
