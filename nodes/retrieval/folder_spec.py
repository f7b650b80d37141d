"""Descriptions of networks whose weights are a folder with safetensors."""

from __future__ import annotations

from pydantic import JsonValue

from patchbay.nodes import gpus
from patchbay.nodes.values import Spec

WORKSPACE = 128 * 2**20
"""Bytes that a batch takes besides the weights."""


class FolderSpec(Spec):
    """A network: `weights` is `hf:owner/repo[@revision]`, or a folder."""

    weights: str

    def content_key(self) -> JsonValue:
        """What results depend on: the content of the weights."""
        return weights_key(self.tag(), self.weights)

    def memory(self) -> int | None:
        """Estimated bytes: the weights and a working margin; None before they are here."""
        return weights_memory(self.weights)

    @property
    def gpu(self) -> int | None:
        """The graphics card that it runs on, where one is usable."""
        return gpus.place_of("auto")


def weights_key(tag: str, weights: str) -> JsonValue:
    """The content of a folder of weights, as a key of what is described by it."""
    from patchbay.nodes.weights.folders import folder_id

    return {"$type": tag, "weights": folder_id(weights)}


def weights_memory(weights: str) -> int | None:
    """Estimated bytes of a folder of weights, with a working margin; None before it is here."""
    from patchbay.nodes.weights.folders import find_folder

    folder = find_folder(weights)
    return None if folder is None else (folder / "model.safetensors").stat().st_size + WORKSPACE
