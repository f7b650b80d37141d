"""A tiny T5 with random weights, as a folder of Transformers, without a chat template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.nodes.models.tiny import alphabet

SPECIAL = ("<pad>", "</s>", "<unk>")


def network(seed: int = 0) -> Any:
    """The network itself, the same for the same seed; its dropout is T5's own."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=len(SPECIAL) + len(alphabet()), d_model=32, d_kv=8, d_ff=64, num_layers=2,
        num_decoder_layers=3, num_heads=4, relative_attention_num_buckets=8, dropout_rate=0.1,
        feed_forward_proj="gated-gelu", decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
        tie_word_embeddings=False,
    )  # fmt: skip
    made = T5ForConditionalGeneration(config).eval()
    with torch.no_grad():  # of the library's own numbers all answers would be the same
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    return made


def folder_of(model: Any, folder: Path) -> Path:
    """Save a network as a folder of Transformers, with a tokenizer of bytes that ends texts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *alphabet()])}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder
