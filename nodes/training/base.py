"""The model that is trained: its tokenizer, and a network of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from patchbay.nodes.contract import NodeError
from patchbay.nodes.data import content
from patchbay.nodes.models.transformers.adapter import HOULSBY, LEADS, read_adapter
from patchbay.nodes.models.transformers.libraries import making_networks
from patchbay.nodes.models.transformers.load import (
    folder_of,
    network_class,
    pick_device,
    quantized_with,
)
from patchbay.nodes.models.transformers.lora import LoraModel
from patchbay.nodes.models.transformers.lora_node import wrong_kind
from patchbay.nodes.models.transformers.packing import keep_unpacked
from patchbay.nodes.models.transformers.precision import Quantization
from patchbay.nodes.models.transformers.source import encodes
from patchbay.nodes.models.transformers.spec import TransformersModel, weights_content
from patchbay.nodes.training.dropouts import leave_nothing_out
from patchbay.nodes.training.encoded_rows import EncodedReader
from patchbay.nodes.training.tokens import RowReader
from patchbay.nodes.values import ModelSpec, Opening, canonical
from patchbay.nodes.weights.refs import Report

TrainableModel = TransformersModel | LoraModel


def checked_base(model: ModelSpec, quantized: bool = False, encoded: bool = True) -> TrainableModel:
    """The model, if it can be trained.

    Args:
        model: what is wired.
        quantized: whether it may be in fewer bits.
        encoded: whether it may have an encoder.

    Raises:
        NodeError: its backend keeps its weights to itself, they are in fewer bits already, or it
            has an encoder and may not.
    """
    if not isinstance(model, (TransformersModel, LoraModel)):
        raise wrong_kind("Training needs", model)
    if root_of(model).quantization is not None and not quantized:
        raise NodeError(
            "A model behind a Quantize node is wired; training stores the frozen weights in fewer "
            "bits by itself.",
            fix='Take the Quantize node out, and set the method to "QLoRA".',
            port="model",
            code="training/quantized",
            retry=False,
        )
    if not encoded and encodes(root_of(model).weights):
        raise NodeError(
            f"The model {root_of(model).weights!r} has an encoder and a decoder, and TRL's "
            "trainers of preferences and rewards take networks that only decode.",
            fix="Wire such a model, or train this one with *Supervised training*.",
            port="model",
            code="training/encoder-decoder",
            retry=False,
        )
    if isinstance(model, LoraModel):
        _check_linear(model)
    if root_of(model).gpu:
        raise NodeError(
            f"The model is set to {root_of(model).device}, and trainings compute on the first "
            "graphics card that a process sees.",
            fix="Set its device to cuda, and start Patchbay with CUDA_VISIBLE_DEVICES="
            f"{root_of(model).gpu}.",
            port="model",
            code="training/device",
            retry=False,
        )
    return model


def _check_linear(model: LoraModel) -> None:
    """Check that what hangs on the model can be added to its weights, on which training builds."""
    at: TrainableModel = model
    while isinstance(at, LoraModel):
        for use in at.adapters:
            adapter = read_adapter(use.weights)
            if adapter is not None and adapter.kind in (HOULSBY, *LEADS):
                raise NodeError(
                    f"The adapter {use.weights!r} on the model is of the kind {adapter.kind}, and "
                    "nothing can be trained on top of it.",
                    fix="Wire the model without it.",
                    port="model",
                    code="training/start",
                    retry=False,
                )
        at = at.base


def root_of(model: TrainableModel) -> TransformersModel:
    """The network under all adapters."""
    return model if isinstance(model, TransformersModel) else model.root


def base_id(model: TrainableModel) -> str:
    """What the weights are, adapters included: a hash that moves with the content alone."""
    import hashlib

    parts: list[Any] = [weights_content(root_of(model).weights)]
    at: TrainableModel = model
    while isinstance(at, LoraModel):
        parts.append(content(at)["adapters"])
        at = at.base
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def reader_of(model: TrainableModel, report: Report) -> RowReader:
    """What reads rows as the model does. Fetches the model if need be; blocks.

    Raises:
        NodeError: the model cannot be had, or has no chat template.
    """
    folder = folder_of(root_of(model).weights, report)
    kind = EncodedReader if encodes(str(folder)) else RowReader
    return kind(_tokenizer(str(folder)), root_of(model).chat_template)


@making_networks()
def _tokenizer(folder: str) -> Any:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def network_of(
    model: TrainableModel, dtype: str, bits: Quantization | None, opening: Opening
) -> tuple[Any, str]:
    """A network of one's own, with the adapters of the description in its weights, and its folder.

    Raises:
        NodeError: the weights cannot be had or do not load.
    """
    folder = folder_of(root_of(model).weights, opening.report)
    network = _network(root_of(model), str(folder), dtype, bits)
    keep_unpacked(network)
    if isinstance(model, LoraModel):
        from patchbay.nodes.models.transformers.attach import merged

        network = merged(network, model, opening)
    network.config.use_cache = False
    return network, str(folder)


@making_networks()
def _network(root: TransformersModel, folder: str, dtype: str, bits: Quantization | None) -> Any:
    import torch
    from transformers import AutoConfig

    kind = getattr(torch, dtype)
    more = {} if bits is None else quantized_with(bits, kind)
    try:
        if encodes(folder):
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            was = leave_nothing_out(config)
            network = _opened(folder, kind, root, config=config, **more)
            network.config.update(was)
            return network
        return _opened(folder, kind, root, **more)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise NodeError(
            f"The model {root.weights!r} cannot be loaded from {folder}: {error}",
            fix="Wire a Transformers model that answers.",
            port="model",
            code="model/unloadable",
            retry=False,
        ) from error


def _opened(folder: str, kind: Any, root: TransformersModel, **more: Any) -> Any:
    return network_class(Path(folder)).from_pretrained(
        folder, dtype=kind, device_map={"": pick_device(root.device)}, use_safetensors=True,
        local_files_only=True, trust_remote_code=False, **more,
    )  # fmt: skip
