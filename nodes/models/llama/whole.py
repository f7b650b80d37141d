"""Write a network of Transformers as the GGUF file that llama.cpp and Ollama take.

What llama.cpp's `convert_hf_to_gguf.py` does, for the architectures of `convert.py`, and what its
`llama-quantize` does for the kinds of numbers that the package gguf can make. (It makes no
K-quants, such as Q4_K_M; `llama-quantize` makes them of a file in F16.)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.llama.convert import ARCHITECTURES, PERMUTED, gguf_file, permuted
from patchbay.nodes.models.llama.tokenizer import write_tokenizer
from patchbay.nodes.models.transformers.anatomy import MODULES

NumberKind = Literal["F32", "F16", "BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0"]
"""How numbers are stored, in ggml's words."""

BLOCK = 32
"""Numbers that share a scale; tensors of other widths stay in 16 bits."""
FINER = ("token_embd.weight", "output.weight")
"""Tables of tokens: 8 bits at the least, as llama.cpp does it too."""

_NAMES: Mapping[str, str] = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
}  # fmt: skip
_INSIDE = {module: name for name, module in MODULES.items()}


def check_writable(config: Any) -> None:
    """Check that a network can be written.

    Raises:
        NodeError: its make is not among those that are known here.
    """
    kind = str(config.model_type)
    rope = dict(getattr(config, "rope_parameters", None) or {})
    why = ""
    if kind not in ARCHITECTURES:
        why = f"models of the kind {kind} are not converted here"
    elif rope.get("rope_type", "default") != "default":
        why = f"its positions are stretched ({rope['rope_type']}), which is not converted here"
    if why:
        raise NodeError(
            f"The model cannot be written as GGUF: {why}.",
            fix='Set the form to "merged", and convert that folder with llama.cpp\'s own '
            f"convert_hf_to_gguf.py. Known here: {', '.join(sorted(ARCHITECTURES))}.",
            param="form",
            code="export/unwritable",
            retry=False,
        )


def write_model(
    network: Any, folder: Path, original: Path | None, path: Path, kind: NumberKind, name: str
) -> None:
    """Write a network, whole or not at all. Blocks.

    Args:
        network: of Transformers.
        folder: of its base, with the tokenizer.
        original: the GGUF file that the base was dequantized from, whose words are taken over.
        path: where it goes.
        kind: how the numbers of matrices are stored.
        name: what the file calls the model.

    Raises:
        NodeError: the network, or its tokenizer, is of a make that is not known here.
    """
    import gguf

    config = network.config
    check_writable(config)
    with gguf_file(path, str(config.model_type)) as writer:
        if original is None:
            _write_make(writer, config)
            write_tokenizer(writer, folder, int(config.vocab_size))
        else:
            _take_over(writer, original)
        writer.add_name(name)
        writer.add_file_type(_file_type(kind))
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        for key, tensor in network.state_dict().items():
            if key == "lm_head.weight" and config.tie_word_embeddings:
                continue
            _add(writer, key, tensor, config, kind)


def _add(writer: Any, key: str, tensor: Any, config: Any, kind: NumberKind) -> None:
    import gguf

    name = gguf_name(key)
    values = tensor.float().numpy()
    if config.model_type in PERMUTED:
        values = permuted(name, values, config.num_attention_heads, config.num_key_value_heads)
    stored = _stored(name, values, kind)
    if stored == "F32":
        writer.add_tensor(name, values)
        return
    number = gguf.GGMLQuantizationType[stored]
    writer.add_tensor(name, gguf.quants.quantize(values, number), raw_dtype=number)


def gguf_name(key: str) -> str:
    """What a GGUF file calls a parameter of Transformers.

    Raises:
        NodeError: there is no name for it.
    """
    module, _, what = key.rpartition(".")
    if module in _NAMES:
        return f"{_NAMES[module]}.{what}"
    _, _, layer, inside = module.split(".", 3)
    if inside not in _INSIDE:
        raise NodeError(
            f"The model has {module}, for which there is no name in GGUF.",
            fix='Set the form to "merged".',
            param="form",
            code="export/unwritable",
            retry=False,
        )
    return f"blk.{layer}.{_INSIDE[inside]}.{what}"


def _stored(name: str, values: Any, kind: NumberKind) -> NumberKind:
    if values.ndim < 2:
        return "F32"
    if kind in ("F32", "F16", "BF16"):
        return kind
    if values.shape[-1] % BLOCK:
        return "F16"
    return "Q8_0" if name in FINER else kind


def _write_make(writer: Any, config: Any) -> None:
    """What the network is made of."""
    heads = config.num_attention_heads
    head = getattr(config, "head_dim", None) or config.hidden_size // heads
    rope = dict(getattr(config, "rope_parameters", None) or {})
    writer.add_type("model")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(float(rope.get("rope_theta", 10_000.0)))
    writer.add_vocab_size(config.vocab_size)
    if head * heads != config.hidden_size:
        writer.add_key_length(head)
        writer.add_value_length(head)


_OWN = frozenset({
    "general.architecture", "general.name", "general.file_type", "general.quantization_version",
    "general.alignment",
})  # fmt: skip
_LAYOUT = ("GGUF.", "split.", "quantize.")
"""What a file says of how it was laid out and made, and not of its model."""


def _take_over(writer: Any, original: Path) -> None:
    """All that a file says of its model but how its numbers are stored."""
    import gguf

    for field in gguf.GGUFReader(original).fields.values():
        if field.name in _OWN or field.name.startswith(_LAYOUT):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)


def _file_type(kind: NumberKind) -> int:
    import gguf

    named = {"F32": "ALL_F32"}.get(kind, f"MOSTLY_{kind}")
    return int(gguf.LlamaFileType[named])
