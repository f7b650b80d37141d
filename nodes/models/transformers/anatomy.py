"""What a model is made of, from the heads of its files: read in milliseconds, nothing is loaded."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.source import CONFIG, Gguf, HubFolder, parse

_LIMIT = 100_000_000
"""No header of a safetensors file is longer, in bytes: the format says so."""

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The make of a model.

    `linears` are the layers that can be quantized or adapted, module → (outputs, inputs).
    """

    architecture: str
    layers: int
    hidden: int
    vocabulary: int
    trained: int
    """Tokens the model was trained to take in; 0 where it does not say."""
    cache_values: int
    """Numbers that one token takes in the key-value cache."""
    parameters: int
    linears: Shapes
    tensors: Shapes = field(default_factory=dict)
    """Every parameter by its name; tied ones once."""
    encoder: int = 0
    """How many of the layers are an encoder's; 0 where the model only decodes."""

    @property
    def linear_parameters(self) -> int:
        """Weights of all layers in `linears`."""
        return sum(rows * columns for rows, columns in self.linears.values())


def anatomy(weights: str) -> Anatomy | None:
    """What the model is made of; None where its files are not here yet or cannot be read.

    Raises:
        NodeError: the reference is none.
    """
    source = parse(weights)
    if isinstance(source, Gguf):
        return _of_gguf(source.text)
    folder = source.path if isinstance(source, HubFolder) else source
    return read_folder(folder)


MODULES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
}
"""llama.cpp's names of layers → those of Transformers, in models built like Llama."""

_OUTSIDE = {"token_embd": "model.embed_tokens", "output": "lm_head", "output_norm": "model.norm"}
"""Likewise, what is before and after all layers."""


def _of_gguf(text: str) -> Anatomy | None:
    from patchbay.nodes.weights.gguf_header import read_header
    from patchbay.nodes.weights.resolve import find

    path = find(text)
    header = None if path is None else read_header(path)
    if header is None or not header.shapes:
        return None
    shapes = {_renamed(name): tuple(reversed(shape)) for name, shape in header.shapes.items()}
    return Anatomy(
        architecture=header.architecture,
        layers=header.layers,
        hidden=header.width,
        vocabulary=header.vocabulary,
        trained=header.context,
        cache_values=header.cache_bytes // 2,
        parameters=header.parameters,
        linears=_linears(shapes),
        tensors=shapes,
    )


def _renamed(name: str) -> str:
    parts = name.split(".")
    if len(parts) == 4 and parts[0] == "blk" and parts[2] in MODULES:
        return f"model.layers.{parts[1]}.{MODULES[parts[2]]}.{parts[3]}"
    if len(parts) == 2 and parts[0] in _OUTSIDE:
        return f"{_OUTSIDE[parts[0]]}.{parts[1]}"
    return name


def read_folder(folder: Path) -> Anatomy | None:
    """The anatomy of a folder of Transformers."""
    try:
        stat = (folder / CONFIG).stat()
        return _read_folder(folder, stat.st_mtime_ns)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, StopIteration,
            NodeError):  # fmt: skip
        return None


@lru_cache(maxsize=32)
def _read_folder(folder: Path, mtime_ns: int) -> Anatomy:
    from patchbay.nodes.models.transformers.fetch import shards

    config = json.loads((folder / CONFIG).read_text("utf-8"))
    shapes: dict[str, tuple[int, ...]] = {}
    for name in shards(folder):
        shapes |= {k: shape for k, (shape, _) in read_shapes(folder / name).items()}
    return of_config(config, shapes)


def of_config(config: Mapping[str, Any], shapes: Shapes) -> Anatomy:
    """From a config and the shapes of all weights.

    Raises:
        KeyError, StopIteration: the config does not say what it must.
    """
    text = config.get("text_config") or config
    if config.get("is_encoder_decoder"):
        return _of_pair(config, shapes)
    heads, hidden = int(text["num_attention_heads"]), int(text["hidden_size"])
    shared = int(text.get("num_key_value_heads") or heads)
    head = int(text.get("head_dim") or hidden // heads)
    layers = int(text["num_hidden_layers"])
    return Anatomy(
        architecture=str(config.get("model_type", "")),
        layers=layers,
        hidden=hidden,
        vocabulary=int(text["vocab_size"]),
        trained=int(text.get("max_position_embeddings") or 0),
        cache_values=2 * layers * shared * head,
        parameters=_numbers(shapes),
        linears=_linears(shapes),
        tensors=shapes,
    )


def _of_pair(config: Mapping[str, Any], shapes: Shapes) -> Anatomy:
    """Of an encoder and a decoder: in the words of T5, or in those of BART."""

    def number(*names: str) -> int:
        return int(next(config[name] for name in names if config.get(name)))

    hidden = number("d_model", "hidden_size")
    heads = number("decoder_attention_heads", "num_heads")
    head = int(config.get("d_kv") or hidden // heads)
    encoder = number("encoder_layers", "num_layers")
    decoder = number("decoder_layers", "num_decoder_layers", "num_layers")
    return Anatomy(
        architecture=str(config.get("model_type", "")),
        layers=encoder + decoder,
        hidden=hidden,
        vocabulary=int(config["vocab_size"]),
        trained=int(config.get("max_position_embeddings") or 0),
        # Of a token of the prompt what crosses over, of one of the answer what the decoder keeps.
        cache_values=2 * decoder * heads * head,
        parameters=_numbers(shapes),
        linears=_linears(shapes),
        tensors=shapes,
        encoder=encoder,
    )


_INSIDE = (".layers.", ".block.")
"""What the names of layers have in them; T5 calls them blocks."""
_TABLE = "relative_attention_bias"
"""A table of T5, which is no linear layer."""


def inside(name: str) -> bool:
    """Whether a module or a parameter of that name stands in one of the layers of a network."""
    return any(part in f".{name}" for part in _INSIDE) and _TABLE not in name


def _linears(shapes: Shapes) -> dict[str, tuple[int, ...]]:
    found = {
        name.removesuffix(".weight"): shape
        for name, shape in shapes.items()
        if len(shape) == 2 and name.endswith(".weight") and inside(name)
    }
    return dict(sorted(found.items()))


def _numbers(shapes: Shapes) -> int:
    return sum(map(math.prod, shapes.values()))


def read_shapes(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Name → (shape, type) of every tensor in a safetensors file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no safetensors file.
    """
    with path.open("rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else _LIMIT + 1
        if length > _LIMIT:
            raise ValueError(f"{path.name} is no safetensors file")
        text = file.read(length)
    held = json.loads(text)
    if not isinstance(held, dict):
        raise ValueError(f"{path.name} is no safetensors file")
    held.pop("__metadata__", None)
    return {
        name: (tuple(int(size) for size in about["shape"]), str(about["dtype"]))
        for name, about in held.items()
    }
