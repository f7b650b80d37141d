"""Open a model with adapters: on a base that others share, or merged into one of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.nodes.data import canonical, encode
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.adapter import (
    KNOWN,
    WEIGHTS,
    Adapter,
    fetch_adapter,
    read_folder,
)
from patchbay.nodes.models.transformers.adapters import Adapters
from patchbay.nodes.models.transformers.anatomy import anatomy
from patchbay.nodes.models.transformers.chat import ChatTransformers
from patchbay.nodes.models.transformers.fit import check_fit
from patchbay.nodes.models.transformers.libraries import load_libraries
from patchbay.nodes.models.transformers.load import load_engine
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from patchbay.nodes.models.transformers.lora import LoraModel, LoraUse

Part = tuple[Any, Mapping[str, Any]]
"""PEFT's config of an adapter, and its tensors."""


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
        return ChatTransformers.over(engine, engine.close, name=title, chat_template=template)
    base: ChatTransformers = opening.open(spec.base)
    engine = base.engine
    engine.between(lambda: _attach(engine.adapters, name, parts))
    return ChatTransformers.over(
        engine,
        lambda: engine.detach(name),
        name=title,
        chat_template=template,
        adapter=name,
    )


def merged(model: Any, spec: LoraModel, opening: Opening) -> Any:
    """The network with everything added to its weights that a merged description names."""
    from patchbay.nodes.models.transformers.lora import LoraModel

    if isinstance(spec.base, LoraModel):
        model = merged(model, spec.base, opening)
    adapters = Adapters(model)
    _attach(adapters, "merged", [_read(spec, use, opening) for use in spec.adapters])
    return adapters.merged("merged")


def _attach(adapters: Adapters, name: str, parts: list[Part]) -> None:
    if len(parts) == 1:
        adapters.attach(name, *parts[0])
        return
    single = [f"{name}-{i}" for i in range(len(parts))]
    try:
        for one, part in zip(single, parts, strict=True):
            adapters.attach(one, *part)
        adapters.combine(name, single)
    finally:
        for one in single:
            adapters.detach(one)


def _name(spec: LoraModel) -> str:
    """A name that no other set of adapters on this base has."""
    said = canonical(encode(spec))
    return "lora-" + hashlib.sha256(said.encode()).hexdigest()[:16]


# --- one adapter --------------------------------------------------------------------------------


def _read(spec: LoraModel, use: LoraUse, opening: Opening) -> Part:
    """PEFT's config, its strength scaled, and the tensors; compared with the base once more."""
    from safetensors.torch import load_file

    folder = fetch_adapter(use.weights, opening.report)
    adapter = read_folder(use.weights, folder)
    if (made := anatomy(spec.root.weights)) is not None:
        check_fit(adapter, made, spec.root.weights)
    try:
        tensors = load_file(folder / WEIGHTS)
    except Exception as error:  # safetensors has an error class of its own
        raise _unloadable(adapter, folder, error) from error
    return _config(adapter, use.scale), tensors


def _config(adapter: Adapter, scale: float) -> Any:
    """Only what shapes the network is taken over: other fields could name code to import."""
    from peft import LoraConfig

    said = {k: v for k, v in adapter.config.items() if k in KNOWN and v is not None}
    try:
        said["lora_alpha"] = said.get("lora_alpha", 8) * scale
        patterns = said.get("alpha_pattern") or {}
        said["alpha_pattern"] = {name: alpha * scale for name, alpha in patterns.items()}
        return LoraConfig(**said, inference_mode=True)
    except (TypeError, ValueError, AttributeError) as error:
        raise _unloadable(adapter, Path(adapter.reference), error) from error


def _unloadable(adapter: Adapter, folder: Path, error: Exception) -> NodeError:
    return NodeError(
        f"The adapter {adapter.reference!r} cannot be loaded from {folder}: {error}",
        fix="Fetch it again, or save it again with PEFT's save_pretrained.",
        code="adapter/damaged",
        retry=False,
    )
