"""What the header of a GGUF file tells of a model before it is opened, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from patchbay.nodes.units import size_in_words
from patchbay.nodes.weights.resolve import find, header_of

if TYPE_CHECKING:
    from patchbay.nodes.models.llama.spec import GgufModel


def gguf_facts(model: GgufModel) -> Mapping[str, str]:
    """Label → value; nothing of weights that are neither known by name nor here."""
    if (known := header_of(model.weights)) is None:
        return {"file": "not here yet; it is fetched when the flow first asks the model"}
    size, header = known
    here = find(model.weights) is not None
    told = {
        "model": header.name or header.architecture,
        "file": f"{size_in_words(size)}, {'here' if here else 'not fetched yet'}",
    }
    if header.parameters:
        bits = size * 8 / header.parameters
        told["precision"] = f"{header.precision}, {bits:.2f} bits per weight"
        told["parameters"] = f"{header.parameters / 1e6:,.1f} million in {header.layers} layers"
    if header.context:
        told["context"] = f"{model.slot_context(header.context):,} tokens of {header.context:,}"
    if (parts := model.footprint()) is not None:
        told["memory"] = f"{size_in_words(parts.total)}: {_listed(parts._asdict())}"
    return told


def _listed(parts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {size_in_words(size)}" for name, size in parts.items() if size)
