"""Descriptions of encoders with a head, which the nodes that use them open."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from patchbay.nodes.retrieval.folder_spec import FolderSpec
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from patchbay.nodes.encoders.heads import Entailment, MaskFiller

BERT_DEFAULT = "hf:google-bert/bert-base-uncased"
NLI_DEFAULT = "hf:MoritzLaurer/deberta-v3-base-zeroshot-v2.0"


class _Headed(FolderSpec):
    port: ClassVar[str] = "encoder"
    hosted: ClassVar[bool] = True


class EntailmentModel(_Headed):
    """A classifier of entailment: `hf:owner/repo[@revision]`, or a folder."""

    backend: ClassVar[str] = "entailment"
    calls: ClassVar[tuple[str, ...]] = ("logits",)

    def open(self, opening: Opening) -> Entailment:
        """Fetch the weights if need be and load them. Raises `NodeError` where that fails."""
        from patchbay.nodes.weights.folders import resolve_folder

        folder = resolve_folder(self.weights, opening.report)
        opening.report(f"Loading {self.weights}", 0, None)
        from patchbay.nodes.encoders.heads import load_entailment

        return load_entailment(folder)


class MaskedModel(_Headed):
    """A masked language model: `hf:owner/repo[@revision]`, or a folder."""

    backend: ClassVar[str] = "masks"
    calls: ClassVar[tuple[str, ...]] = ("fill",)
    told: ClassVar[tuple[str, ...]] = ("mask", "max_tokens")

    def open(self, opening: Opening) -> MaskFiller:
        """Fetch the weights if need be and load them. Raises `NodeError` where that fails."""
        from patchbay.nodes.weights.folders import resolve_folder

        folder = resolve_folder(self.weights, opening.report)
        opening.report(f"Loading {self.weights}", 0, None)
        from patchbay.nodes.encoders.heads import load_mask_filler

        return load_mask_filler(folder)
