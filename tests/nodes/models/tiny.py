"""A tiny network with random weights: as a folder of Transformers, and as a GGUF of the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

WIDTH, INNER, LAYERS, HEADS, SHARED = 32, 64, 2, 4, 2
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = ("a b", "t h", "th e")
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>\\n' }}{% endfor %}{{ '<|im_start|>assistant\\n' }}"
)

PARTS = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip


@lru_cache
def alphabet() -> tuple[str, ...]:
    """The letters that stand for the 256 bytes."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return tuple(bytes_to_unicode().values())


def tokens(merges: Sequence[str] = MERGES) -> list[str]:
    """A vocabulary: bytes, what they merge to, and control words."""
    return [*alphabet(), *(merge.replace(" ", "") for merge in merges), *SPECIAL]


def network(
    tied: bool = True, biases: bool = False, seed: int = 0, count: int | None = None
) -> Any:
    """The network itself, the same for the same seed; `count` is the size of its vocabulary."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    count = count or len(tokens())
    config = LlamaConfig(
        vocab_size=count, hidden_size=WIDTH, intermediate_size=INNER, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=SHARED, max_position_embeddings=256,
        tie_word_embeddings=tied, attention_bias=biases, initializer_range=0.2, rms_norm_eps=1e-5,
        bos_token_id=count - 3, eos_token_id=count - 1, pad_token_id=count - 3,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def folder_of(model: Any, folder: Path) -> Path:
    """Save a network as a folder of Transformers."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: i for i, token in enumerate(tokens())}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(m.split()) for m in MERGES]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token=SPECIAL[0], eos_token=SPECIAL[2], pad_token=SPECIAL[0],
        additional_special_tokens=[SPECIAL[1]], chat_template=TEMPLATE,
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def gguf_of(model: Any, path: Path, tokenizer: Callable[[Any], None] | None = None) -> Path:
    """Write a network as GGUF, in 32-bit floats.

    `tokenizer` writes another one than that of bytes, cut by the rule of GPT-2.
    """
    import gguf

    config = model.config
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(SHARED)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10000.0)
    if tokenizer is None:
        write_pairs(writer, tokens(), MERGES, "gpt-2")
    else:
        tokenizer(writer)
    for name, values in model.state_dict().items():
        if not (name == "lm_head.weight" and config.tie_word_embeddings):
            writer.add_tensor(_renamed(name), _ordered(name, values.float().numpy()))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_pairs(
    writer: Any, vocabulary: Sequence[str], merges: Sequence[str], pre: str | None
) -> None:
    """A vocabulary of byte pairs, whose last three words are control words."""
    writer.add_tokenizer_model("gpt2")
    if pre is not None:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(list(vocabulary))
    writer.add_token_types([1] * (len(vocabulary) - 3) + [3] * 3)
    writer.add_token_merges(list(merges))
    writer.add_bos_token_id(len(vocabulary) - 3)
    writer.add_eos_token_id(len(vocabulary) - 1)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def _renamed(name: str) -> str:
    outside = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    stem = name.removesuffix(".weight")
    if stem in outside:
        return f"{outside[stem]}.weight"
    _, _, layer, part = stem.split(".", 3)
    return f"blk.{layer}.{PARTS[part]}.weight"


def _ordered(name: str, values: Any) -> Any:
    """llama.cpp rotates neighbours, Transformers the two halves of a head."""
    heads = HEADS if "q_proj" in name else SHARED if "k_proj" in name else 0
    if not heads:
        return values
    rows, columns = values.shape
    halves = values.reshape(heads, 2, rows // heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns).copy()
