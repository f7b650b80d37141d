"""The forms that a trained model has for other programs, and which of them each method has."""

from __future__ import annotations

from typing import Literal

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.transformers.adapter import (
    HOULSBY,
    IA3,
    LEADS,
    LORA,
    Adapter,
    fetch_adapter,
    read_folder,
)
from patchbay.nodes.models.transformers.lora import LoraModel, LoraUse
from patchbay.nodes.models.transformers.source import encodes
from patchbay.nodes.training.base import TrainableModel, root_of
from patchbay.nodes.weights.refs import quiet

ModelForm = Literal["PEFT folder", "merged", "GGUF", "GGUF adapter"]
FORMS: dict[str, tuple[ModelForm, ...]] = {
    LORA: ("PEFT folder", "merged", "GGUF", "GGUF adapter"),
    IA3: ("PEFT folder", "merged", "GGUF"),
    HOULSBY: ("PEFT folder",),
    **dict.fromkeys(LEADS, ("PEFT folder",)),
}
"""The forms that each kind of adapter has; all weights have those without an adapter."""
WHY: dict[str, str] = {
    IA3: "llama.cpp has adapters that add to layers, and IA3 scales them; merged it is a GGUF too",
    HOULSBY: "its narrow layers are not linear, so they are no change of weights, and neither PEFT "
    "nor llama.cpp has such layers; the folder is read by Patchbay alone",
    **dict.fromkeys(
        LEADS,
        "it stands before the prompt and changes no weights; llama.cpp has no such adapters, and "
        "PEFT reads the folder but generates right only without a cache",
    ),
}  # fmt: skip


def check_form(model: TrainableModel, form: ModelForm) -> None:
    """Check that a model has a form, before anything is loaded.

    Raises:
        NodeError: it has not, and why.
    """
    used = adapters_of(model)
    if form in ("GGUF", "GGUF adapter") and encodes(root_of(model).weights):
        raise _formless(
            f"The model {root_of(model).weights!r} has an encoder and a decoder. GGUF is written "
            "here for networks that only decode; llama.cpp's own convert_hf_to_gguf.py makes one "
            "of a merged folder of T5, and its adapters hang on decoders alone.",
            "merged",
        )
    if not used and form in ("PEFT folder", "GGUF adapter"):
        raise _formless(f"The model has no adapters, so there is nothing for a {form}.", "merged")
    if len(used) > 1 and form in ("PEFT folder", "GGUF adapter"):
        raise _formless(
            f"The model has {len(used)} adapters on one another, and a {form} holds one.", "merged"
        )
    for _, adapter in used:
        kind = adapter.kind
        if form not in FORMS[kind]:
            raise _formless(
                f"The adapter {adapter.reference!r} ({kind}) has no form {form!r}: {WHY[kind]}.",
                FORMS[kind][1 if form == "GGUF adapter" and len(FORMS[kind]) > 1 else 0],
            )
        if form == "GGUF adapter" and (adapter.settings.use_dora or adapter.settings.begins_with):
            what = "DoRA" if adapter.settings.use_dora else adapter.settings.begins_with
            raise _formless(
                f"The adapter {adapter.reference!r} ({what}) is more than llama.cpp's adapters can "
                "say: they add two matrices to a layer.",
                "GGUF",
            )
    if root_of(model).quantization is not None and form != "PEFT folder":
        raise NodeError(
            "A model behind a Quantize node is wired; weights that coarse would round the adapter "
            "away.",
            fix="Take the Quantize node out; GGUF is quantized here by its own setting.",
            port="model",
            code="export/no-form",
            retry=False,
        )


def adapters_of(model: TrainableModel) -> list[tuple[LoraUse, Adapter]]:
    """The adapters that hang on a model, the last one first, with how each is used."""
    found: list[tuple[LoraUse, Adapter]] = []
    at = model
    while isinstance(at, LoraModel):
        for use in at.adapters:
            folder = fetch_adapter(use.weights, quiet)
            found.append((use, read_folder(use.weights, folder)))
        at = at.base
    return found


def _formless(message: str, other: str) -> NodeError:
    return NodeError(
        message,
        fix=f'Set the form to "{other}".',
        param="form",
        code="export/no-form",
        retry=False,
    )
