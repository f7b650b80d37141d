"""From a description to an open network."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.nodes import gpus
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.errors import memory_ran_out, of_a_gpu, out_of_memory
from patchbay.nodes.models.transformers.libraries import load_libraries, making_networks
from patchbay.nodes.models.transformers.precision import Quantization, dtype_on
from patchbay.nodes.models.transformers.source import (
    Gguf,
    HubFolder,
    check_folder,
    encodes,
    parse,
    sees,
)
from patchbay.nodes.units import size_in_words
from patchbay.nodes.weights.refs import Report

if TYPE_CHECKING:
    from patchbay.nodes.models.transformers.chat import ChatTransformers
    from patchbay.nodes.models.transformers.engine import HfEngine
    from patchbay.nodes.models.transformers.spec import TransformersModel


def load(spec: TransformersModel, report: Report) -> ChatTransformers:
    """Load the network that a description names. Blocks for seconds.

    Raises:
        NodeError: the weights cannot be had, do not load, or do not fit into memory.
    """
    from patchbay.nodes.models.transformers.encoded import chat_over

    if spec.sees is not False and sees(str(folder_of(spec.weights, report))):
        return _load_seeing(spec, report)
    engine = load_engine(spec, report)
    return chat_over(engine, engine.close, name=spec.weights, chat_template=spec.chat_template)


def _load_seeing(spec: TransformersModel, report: Report) -> ChatTransformers:
    folder = folder_of(spec.weights, report)
    if spec.quantization is not None:
        raise NodeError(
            f"{spec.weights!r} sees pictures; such models cannot be quantized here yet.",
            fix='Take the "Quantize" node out, or set the type of the weights to bfloat16.',
            code="model/unloadable",
            retry=False,
        )
    _check_memory(spec)
    load_libraries()
    report(f"Loading {spec.weights}", 0, None)
    from patchbay.nodes.models.transformers.vision import VisionChat, VisionEngine

    model, processor = _read(spec, folder, seeing=True)
    text = model.config.get_text_config()
    trained = int(getattr(text, "max_position_embeddings", 0) or 0)
    engine: Any = VisionEngine(model, processor, spec.slot_context(trained))
    return VisionChat.over(
        engine, engine.close, name=spec.weights, chat_template=spec.chat_template
    )


def load_engine(
    spec: TransformersModel, report: Report, change: Callable[[Any], Any] = lambda model: model
) -> HfEngine:
    """An engine of its own over freshly loaded weights; `change` may replace the network."""
    folder = folder_of(spec.weights, report)
    _check_memory(spec)
    load_libraries()
    report(f"Loading {spec.weights}", 0, None)
    from patchbay.nodes.models.transformers.engine import HfEngine

    model, tokenizer = _read(spec, folder)
    trained = int(getattr(model.config, "max_position_embeddings", 0) or 0)
    return HfEngine(change(model), tokenizer, spec.slot_context(trained), spec.parallel)


def folder_of(weights: str, report: Report) -> Path:
    """The folder that holds a model, fetched or dequantized if need be.

    Raises:
        NodeError: it cannot be had, or holds nothing that may be loaded.
    """
    source = parse(weights)
    if isinstance(source, Gguf):
        from patchbay.nodes.models.transformers.dequantize import dequantized

        return dequantized(source.text, report)
    if isinstance(source, HubFolder):
        from patchbay.nodes.models.transformers.fetch import fetch_model

        return check_folder(fetch_model(source, report))
    return check_folder(source)


@making_networks()
def _read(spec: TransformersModel, folder: Path, seeing: bool = False) -> tuple[Any, Any]:
    """The network, and its tokenizer; for one that sees, its processor in place of that."""
    import torch
    import transformers

    network = transformers.AutoModelForImageTextToText if seeing else network_class(folder)
    reader = transformers.AutoProcessor if seeing else transformers.AutoTokenizer

    device = pick_device(spec.device)
    dtype = getattr(torch, dtype_on(device, spec.dtype))
    safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    bits = {} if spec.quantization is None else quantized_with(spec.quantization, dtype)
    try:
        tokenizer: Any = reader.from_pretrained(str(folder), **safe)
        model: Any = network.from_pretrained(
            str(folder), dtype=dtype, device_map={"": device}, use_safetensors=True, **bits, **safe
        )
    except MemoryError:
        raise
    except Exception as error:  # each library has its own way to say that a file is no good
        if memory_ran_out(error):
            raise out_of_memory(_what(spec), gpu=of_a_gpu(error)) from error
        raise _unloadable(spec, folder, error) from error
    model = model.eval()
    if spec.quantization is not None:
        from patchbay.nodes.models.transformers.packing import settle

        settle(model)
    _give_back()
    return model, tokenizer


def network_class(folder: Path) -> Any:
    """The class of Transformers that opens the network in a folder to write with it."""
    import transformers

    if encodes(str(folder)):
        return transformers.AutoModelForSeq2SeqLM
    return transformers.AutoModelForCausalLM


def _give_back() -> None:
    """Return to the system what was only needed while loading; glibc would keep it."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def quantized_with(how: Quantization, dtype: Any) -> dict[str, Any]:
    """Arguments for loading in fewer bits, `dtype` being what the rest has.

    Raises:
        NodeError: bitsandbytes is not installed.
    """
    import torch

    try:
        import bitsandbytes  # noqa: F401 - Transformers only says that it is missing in a traceback
        from transformers import BitsAndBytesConfig
    except ImportError as error:
        raise NodeError(
            "Quantizing needs the package bitsandbytes, which is not installed.",
            fix="pip install bitsandbytes",
            code="model/unloadable",
            retry=False,
        ) from error
    # On each call, for each layer; the result is the same.
    warnings.filterwarnings("ignore", "MatMul8bitLt: inputs will be cast")
    compute = dtype if how.compute == "auto" else getattr(torch, how.compute)
    made: Any = BitsAndBytesConfig
    config = made(
        load_in_8bit=how.bits == 8,
        load_in_4bit=how.bits == 4,
        bnb_4bit_quant_type=how.kind,
        bnb_4bit_use_double_quant=how.double,
        bnb_4bit_compute_dtype=compute,
    )
    return {"quantization_config": config}


def pick_device(device: str) -> str:
    """The device that is meant: `auto` is a graphics card where there is one.

    Raises:
        NodeError: it is not there.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise NodeError(
            f"The device {device!r} is not there: torch sees no graphics card.",
            fix="Set the device to auto or cpu.",
            code="model/device",
            retry=False,
        )
    return device


def _check_memory(spec: TransformersModel) -> None:
    import psutil

    place, needed = spec.gpu, spec.memory()
    if place is None:
        free: int | None = int(psutil.virtual_memory().available)
    else:
        gpus.give_back()
        free = gpus.free_on(place)
    if needed is not None and free is not None and needed > free:
        raise out_of_memory(_what(spec), needed, free, gpu=place is not None)


def _what(spec: TransformersModel) -> str:
    return f"The model {spec.weights!r} with {spec.parallel} x {spec.context} tokens of context"


def _unloadable(spec: TransformersModel, folder: Path, error: Exception) -> NodeError:
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    return NodeError(
        f"The model {spec.weights!r} cannot be loaded from {folder} ({size_in_words(size)}): "
        f"{' '.join(str(error).split())[:500]}",
        fix="Fetch it again, or name other weights. Models that bring code of their own are not "
        "run.",
        code="model/unloadable",
        retry=False,
    )
