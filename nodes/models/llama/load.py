"""Load a GGUF file into llama.cpp, in this process or the one that models live in."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models import errors
from patchbay.nodes.models.cores import computing_threads, share_cores
from patchbay.nodes.models.llama.adapter import adapter_file, check_adapters
from patchbay.nodes.models.llama.memory import REPACKED, batch_size
from patchbay.nodes.units import size_in_words
from patchbay.nodes.weights.gguf_header import Header, read_header
from patchbay.nodes.weights.gguf_vocabulary import read_vocabulary
from patchbay.nodes.weights.refs import Report

if TYPE_CHECKING:
    from patchbay.nodes.models.llama.chat import ChatLlama
    from patchbay.nodes.models.llama.engine import LlamaEngine
    from patchbay.nodes.models.llama.spec import GgufModel

QUIET = -1
"""The verbosity at which llama.cpp says nothing."""


def load(spec: GgufModel, path: Path, report: Report) -> ChatLlama:
    """Load the weights at `path` as the description says, and its adapters. Blocks for seconds.

    Raises:
        NodeError: the file is no whole GGUF model, or it does not fit into memory.
    """
    from patchbay.nodes.models.llama.chat import ChatLlama
    from patchbay.nodes.models.llama.remote import RemoteEngine, host

    header = _header(spec, path)
    elsewhere = host()
    engine = (
        local_engine(spec, path, report)
        if elsewhere is None
        else RemoteEngine(elsewhere, spec, path, report)
    )
    return ChatLlama.over(
        engine,
        name=spec.weights,
        context=spec.slot_context(header.context),
        vocabulary=read_vocabulary(path),
        template=spec.chat_template,
    )


def local_engine(spec: GgufModel, path: Path, report: Report) -> LlamaEngine:
    """Load weights and adapters into this process. Blocks for seconds.

    Raises:
        NodeError: likewise.
    """
    from patchbay.nodes.models.llama.engine import LlamaEngine

    header = _header(spec, path)
    check_adapters(spec.weights, spec.adapters)
    _check_memory(spec)
    adapters = [adapter_file(adapter.weights, header, report) for adapter in spec.adapters]
    return LlamaEngine(_serve(spec, path, header, adapters), spec.parallel, header.context)


def _header(spec: GgufModel, path: Path) -> Header:
    header = read_header(path)
    if header is None:
        raise _unloadable(spec, path, "It is not a GGUF file.")
    if header.is_adapter:
        raise _unloadable(spec, path, "It is a LoRA adapter, not a model.")
    return header


def parameters(spec: GgufModel, path: Path, header: Header, adapters: Sequence[Path]) -> Any:
    """What llama.cpp is told: an `xllamacpp.CommonParams`."""
    share_cores()
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = spec.slot_context(header.context) * spec.parallel
    params.n_parallel = spec.parallel
    params.kv_unified = False  # each request gets its own part of the context
    params.n_batch = params.n_ubatch = batch_size(path.stat().st_size)
    params.n_gpu_layers = spec.gpu_layers
    if header.precision in REPACKED:  # a file mapped into memory would then be there twice
        params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(a), 1.0) for a in adapters]
    params.fit_params = False  # the description decides, not the free memory of the moment
    params.cache_ram_mib = 0  # the default keeps up to 8 GiB of old prompts
    params.verbosity = QUIET
    params.warmup = False
    if (threads := spec.threads or computing_threads()) is not None:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    if spec.chat_template is not None:
        params.chat_template = spec.chat_template
    _guard(params)
    return params


def _serve(spec: GgufModel, path: Path, header: Header, adapters: Sequence[Path]) -> Any:
    params = parameters(spec, path, header, adapters)
    import xllamacpp

    try:
        server = xllamacpp.Server(params)
        # The wheel returns before its loop runs, and an object that goes before then waits for ever
        # with Python's lock in its hands. What the loop has answered proves that it runs.
        server.handle_metrics()
        return server
    except (RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise _unloadable(spec, path, _why(spec, path)) from error


def _guard(params: Any) -> None:
    """Keep other users of this machine out.

    The wheel always opens a port on the loopback device, although we never use it: so it gets a
    key that nobody knows, and shows nothing besides "I am alive" without it.
    """
    params.api_keys = [secrets.token_urlsafe(32)]
    params.hostnames = ["127.0.0.1"]
    params.n_threads_http = 1
    params.ui = params.endpoint_slots = params.endpoint_props = False
    params.endpoint_metrics = True  # asked once, in process, to know that the loop runs


def _check_memory(spec: GgufModel) -> None:
    import psutil

    needed, free = spec.memory(), psutil.virtual_memory().available
    if needed is not None and needed > free and spec.gpu_layers == 0:
        what = f"The model {spec.weights!r} with {spec.parallel} x {spec.context} tokens of context"
        raise errors.out_of_memory(what, needed, free)


def _why(spec: GgufModel, path: Path) -> str:
    size = size_in_words(path.stat().st_size)
    hints = f"It holds {size}; it may be cut short, or need a newer llama.cpp."
    if spec.adapters:
        hints += " An adapter may also not fit."
    if spec.chat_template is not None:
        hints += " The chat template may also be wrong."
    return hints


def _unloadable(spec: GgufModel, path: Path, why: str) -> NodeError:
    return NodeError(
        f"The weights {spec.weights!r} cannot be loaded from {path}. {why}",
        fix="Correct the chat template, or fetch the file again."
        if spec.chat_template is not None
        else "Fetch the file again, or name other weights.",
        code="model/unloadable",
        retry=False,
    )
