"""The description of a classifier that was trained here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import JsonValue

from patchbay.nodes import gpus
from patchbay.nodes.retrieval.folder_spec import WORKSPACE
from patchbay.nodes.values import Opening, Spec

if TYPE_CHECKING:
    from patchbay.nodes.encoders.classifier import TextClassifier


class TrainedClassifier(Spec):
    """An encoder with a head.

    `path` is what the training kept, `sha256` its content, `labels` what it tells apart, `base` the
    encoder; `whole` says that the encoder was trained too and lies beside the head.
    """

    port: ClassVar[str] = "classifier"
    backend: ClassVar[str] = "trained"
    hosted: ClassVar[bool] = True
    calls: ClassVar[tuple[str, ...]] = ("probabilities",)

    path: str
    sha256: str
    labels: tuple[str, ...]
    base: str
    whole: bool = False

    def content_key(self) -> JsonValue:
        """What it holds; where it lies does not matter."""
        return {"$type": self.tag(), "sha256": self.sha256}

    def memory(self) -> int | None:
        """Estimated bytes: the weights and a working margin; None before they are here."""
        from patchbay.nodes.weights.folders import find_folder

        folder = Path(self.path) / "encoder" if self.whole else find_folder(self.base)
        file = None if folder is None else folder / "model.safetensors"
        return file.stat().st_size + WORKSPACE if file is not None and file.is_file() else None

    @property
    def gpu(self) -> int | None:
        """The graphics card that it runs on, where one is usable."""
        return gpus.place_of("auto")

    def open(self, opening: Opening) -> TextClassifier:
        """Fetch the encoder if need be and load it. Raises `NodeError` where that fails."""
        from patchbay.nodes.encoders.classifier import ENCODER, load_classifier
        from patchbay.nodes.weights.folders import resolve_folder

        kept = Path(self.path)
        encoder = kept / ENCODER if self.whole else resolve_folder(self.base, opening.report)
        opening.report("Loading the classifier", 0, None)
        return load_classifier(kept, encoder)
