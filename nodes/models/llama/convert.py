"""Write a LoRA adapter of PEFT as the GGUF file that llama.cpp takes.

What llama.cpp's `convert_lora_to_gguf.py` does, for the architectures below. Its models of the
kind `llama` hold the rows of queries and keys in another order, because they rotate them in pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.adapter import IA3, UP, Adapter, place_of
from patchbay.nodes.models.transformers.fit import check_config
from patchbay.nodes.private import private_folder
from patchbay.nodes.weights.gguf_header import Header

FORMAT = 2
"""Raised when the files that are written change."""

PERMUTED = frozenset({"llama"})
ARCHITECTURES = PERMUTED | {"qwen2", "qwen3"}

_MODULE = re.compile(r"model\.layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)")
_LAYERS: Mapping[str, str] = {
    "q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output",
    "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down",
}  # fmt: skip


def tensor_name(module: str) -> str | None:
    """What a GGUF file calls the weights of a layer; None for a layer that is not converted."""
    found = _MODULE.fullmatch(module)
    if found is None or found[2] not in _LAYERS:
        return None
    return f"blk.{found[1]}.{_LAYERS[found[2]]}.weight"


def shapes(adapter: Adapter) -> dict[str, tuple[int, ...]]:
    """The adapter's matrices as a GGUF file would name and shape them."""
    found: dict[str, tuple[int, ...]] = {}
    for module, (outputs, inputs) in adapter.layers.items():
        name, rank = tensor_name(module) or module, adapter.ranks.get(module, 0)
        found[f"{name}.lora_a"] = (inputs, rank)
        found[f"{name}.lora_b"] = (rank, outputs)
    return found


def check_convertible(adapter: Adapter, base: Header) -> None:
    """Check that an adapter can be written for llama.cpp.

    Raises:
        NodeError: it does something that llama.cpp's files cannot say.
    """
    check_config(adapter)
    why, settings = "", adapter.settings
    if base.architecture not in ARCHITECTURES:
        why = f"models of the architecture {base.architecture} are not converted here"
    elif adapter.kind == IA3:
        why = "it is an IA3 adapter, which scales layers and adds nothing to them"
    elif settings.use_dora:
        why = "it is a DoRA adapter (use_dora)"
    elif settings.takes_from_base:
        why = f"{settings.begins_with} takes a part of the base's weights away (init_lora_weights)"
    elif adapter.shifted:
        why = "its matrices have biases (lora_bias)"
    elif adapter.others:
        why = f"it also holds whole layers, such as {next(iter(adapter.others))}"
    elif other := [module for module in adapter.layers if tensor_name(module) is None]:
        why = f"it adapts {other[0]}"
    if why:
        raise NodeError(
            f"The adapter {adapter.reference!r} cannot be used with llama.cpp: {why}.",
            fix="Wire a Transformers model with the same weights into a LoRA node instead.",
            code="adapter/misfit",
            retry=False,
        )


def write_gguf(
    adapter: Adapter, folder: Path, base: Header, path: Path, scale: float = 1.0
) -> None:
    """Write the adapter in `folder` for a base to `path`, whole or not at all.

    Args:
        adapter: what its files say.
        folder: where they lie.
        base: the model that it is written for.
        path: where it goes.
        scale: how strongly it acts, put into the matrices.

    Raises:
        NodeError: it cannot be converted.
    """
    check_convertible(adapter, base)
    try:
        import gguf  # noqa: F401 - asked for here, where its absence is told in words
        import safetensors  # noqa: F401
    except ImportError as error:
        raise NodeError(
            f"Converting the adapter {adapter.reference!r} needs gguf and safetensors.",
            fix="Run: pip install gguf safetensors",
            code="adapter/packages",
            retry=False,
        ) from error

    tensors = _numbers(folder / "adapter_model.safetensors")
    private_folder(path.parent)
    with gguf_file(path, base.architecture) as writer:
        writer.add_string("general.type", "adapter")
        writer.add_string("general.name", adapter.reference.rsplit("/", 1)[-1])
        writer.add_string("adapter.type", "lora")
        alpha = _alpha(adapter)
        writer.add_float32("adapter.lora.alpha", alpha)
        for key in sorted(tensors):
            at = place_of(key)
            name = None if at is None else tensor_name(at[0])
            if at is None or name is None:
                continue
            values = tensors[key]
            if at[1] == UP:
                values = values * (scale * _times_rank(adapter, at[0]) / alpha)
                if base.architecture in PERMUTED:
                    values = permuted(name, values, base.heads, base.shared_heads)
            writer.add_tensor(f"{name}.lora_{'b' if at[1] == UP else 'a'}", values)


@contextmanager
def gguf_file(path: Path, architecture: str) -> Iterator[Any]:
    """A writer of gguf. What it is given until the end is written, whole or not at all."""
    import gguf

    part = path.with_name(path.name + ".part")
    writer = gguf.GGUFWriter(str(part), architecture)
    try:
        yield writer
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _numbers(path: Path) -> dict[str, Any]:
    """The tensors of a file as 32-bit floats. NumPy knows no bfloat16, which torch does."""
    from safetensors.numpy import load_file

    try:
        return {name: values.astype("float32") for name, values in load_file(path).items()}
    except (TypeError, KeyError):
        from safetensors.torch import load_file as load_with_torch

        return {name: t.float().numpy() for name, t in load_with_torch(path).items()}


def _alpha(adapter: Adapter) -> float:
    """What llama.cpp divides by each layer's rank: one number for all, and 0 means full strength.

    So where layers differ, or have no strength at all, it goes into the matrices.
    """
    found = {_times_rank(adapter, module) for module in adapter.layers}
    only = found.pop()
    return only if only and not found else 1.0


def _times_rank(adapter: Adapter, module: str) -> float:
    return adapter.settings.strength(module) * adapter.ranks[module]


def permuted(name: str, values: Any, heads: int, shared_heads: int) -> Any:
    """Rows of queries or keys in llama.cpp's order: those that rotate together are neighbours.

    Args:
        name: what a GGUF file calls the tensor; another one is given back as it is.
        values: the tensor.
        heads: of queries.
        shared_heads: of keys and values.
    """
    counts = {"attn_q": heads, "attn_k": shared_heads}
    count = counts.get(name.split(".")[2]) if name.startswith("blk.") else None
    if not count:
        return values
    halves = values.reshape(count, 2, values.shape[0] // count // 2, *values.shape[1:])
    return halves.swapaxes(1, 2).reshape(values.shape)
