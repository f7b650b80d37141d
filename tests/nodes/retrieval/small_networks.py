"""Real networks of the smallest kind, with random weights."""

from __future__ import annotations

from pathlib import Path


def small_cross_encoder(folder: Path) -> Path:
    """A cross-encoder with a real tokenizer, in a folder that is made for it."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    from patchbay.nodes.weights.folders import resolve_folder

    torch.manual_seed(0)
    known = resolve_folder("all-minilm-l6-v2", lambda label, done, total: None)
    config = BertConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=1,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(str(known), local_files_only=True).save_pretrained(folder)
    return folder
