"""Open a model with adapters: on a base that others share, or merged into one of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from patchbay.nodes.data import canonical, encode
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.adapter import (
    LEAD,
    LEADS,
    WEIGHTS,
    Adapter,
    fetch_adapter,
    read_folder,
)
from patchbay.nodes.models.transformers.adapters import Changes, merge
from patchbay.nodes.models.transformers.anatomy import anatomy
from patchbay.nodes.models.transformers.changes import Change
from patchbay.nodes.models.transformers.changing import changes_of
from patchbay.nodes.models.transformers.chat import ChatTransformers
from patchbay.nodes.models.transformers.encoded import chat_over
from patchbay.nodes.models.transformers.fit import check_bits, check_fit, check_whole
from patchbay.nodes.models.transformers.lead import Lead, lead_of
from patchbay.nodes.models.transformers.libraries import load_libraries
from patchbay.nodes.models.transformers.load import load_engine
from patchbay.nodes.models.transformers.spec import weights_content
from patchbay.nodes.models.transformers.trained import check_base
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from patchbay.nodes.models.transformers.lora import LoraModel, LoraUse

WeightedAdapter = tuple[Adapter, Mapping[str, Any], float]
"""An adapter, its tensors, and how strongly it acts."""


def open_lora(spec: LoraModel, opening: Opening) -> ChatTransformers:
    """A chat model over the base and the adapters that a description names.

    Raises:
        NodeError: base or adapters cannot be had, or do not go together.
    """
    load_libraries()
    parts = [_read(spec, use, opening) for use in spec.adapters]
    name = _name(spec)
    title = " + ".join([spec.root.weights, *(use.weights for use in spec.adapters)])
    template = spec.root.chat_template
    if spec.merge:
        engine = load_engine(spec.root, opening.report, lambda model: merged(model, spec, opening))
        return chat_over(engine, engine.close, name=title, chat_template=template)
    base: ChatTransformers = opening.open(spec.base)
    engine = base.engine
    network = engine.adapters.network
    lead = _lead_of(parts, network)
    engine.between(lambda: engine.adapters.attach(name, _together(parts, network), lead))
    return chat_over(
        engine,
        lambda: engine.detach(name),
        name=title,
        chat_template=template,
        adapter=name,
        lead=0 if lead is None else lead.length,
    )


def merged(model: Any, spec: LoraModel, opening: Opening) -> Any:
    """The network with everything added to its weights that a merged description names."""
    from patchbay.nodes.models.transformers.lora import LoraModel

    if isinstance(spec.base, LoraModel):
        model = merged(model, spec.base, opening)
    parts = [_read(spec, use, opening) for use in spec.adapters]
    for adapter, _, scale in parts:
        check_whole(adapter, scale, merge=True)
    merge(model, _together(parts, model))
    return model


def _together(parts: Sequence[WeightedAdapter], network: Any) -> Changes:
    """What several adapters do: their differences from the network, side by side."""
    together: dict[str, list[Change]] = {}
    for adapter, tensors, scale in parts:
        if adapter.kind in LEADS:
            continue
        for path, changes in changes_of(adapter, tensors, scale, network).items():
            together.setdefault(path, []).extend(changes)
    return together


def _lead_of(parts: Sequence[WeightedAdapter], network: Any) -> Lead | None:
    """The trained prompt or prefix among several adapters.

    Raises:
        NodeError: there is more than one.
    """
    found = [(adapter, tensors) for adapter, tensors, _ in parts if adapter.kind in LEADS]
    if len(found) > 1:
        raise NodeError(
            f"Both {found[0][0].reference!r} and {found[1][0].reference!r} stand before the "
            "prompt, where neither was trained beside another.",
            fix="Take one of them away.",
            code="adapter/misfit",
            retry=False,
        )
    return lead_of(found[0][0].kind, found[0][1][LEAD], network) if found else None


def _name(spec: LoraModel) -> str:
    """A name that no other set of adapters on this base has."""
    said = canonical(encode(spec))
    return "lora-" + hashlib.sha256(said.encode()).hexdigest()[:16]


def _read(spec: LoraModel, use: LoraUse, opening: Opening) -> WeightedAdapter:
    """An adapter's tensors; compared with the base once more."""
    from safetensors.torch import load_file

    folder = fetch_adapter(use.weights, opening.report)
    adapter = read_folder(use.weights, folder)
    check_base(use.weights, folder, spec.root.weights, lambda: weights_content(spec.root.weights))
    check_whole(adapter, use.scale, spec.merge)
    check_bits(adapter, spec.root.quantization is not None)
    if (made := anatomy(spec.root.weights)) is not None:
        check_fit(adapter, made, spec.root.weights)
    try:
        return adapter, load_file(folder / WEIGHTS), use.scale
    except Exception as error:  # safetensors has an error class of its own
        raise NodeError(
            f"The adapter {adapter.reference!r} cannot be loaded from {folder}: {error}",
            fix="Fetch it again, or save it again with PEFT's save_pretrained.",
            code="adapter/damaged",
            retry=False,
        ) from error
