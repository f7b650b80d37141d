"""Small real networks for the tests: a CLIP that has learned colors, a BERT, an NLI classifier."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

COLORS = {
    "red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220), "yellow": (230, 220, 30),
    "black": (10, 10, 10), "white": (245, 245, 245),
}  # fmt: skip
WORDS = ("a", "photo", "of", "square", "the", "is", "color", "this", "about", *COLORS)


def square(color: str, shade: int = 0, form: str = "PNG") -> bytes:
    """A picture of one color, as a file."""
    from PIL import Image

    rgb = tuple(max(0, min(255, value + shade)) for value in COLORS[color])
    file = io.BytesIO()
    Image.new("RGB", (16, 16), rgb).save(file, form)
    return file.getvalue()


def tokenizer(special: dict[str, str], before: str, behind: str) -> Any:
    """A tokenizer of whole words."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = [*dict.fromkeys(special.values()), *WORDS]
    made = Tokenizer(models.WordLevel({w: i for i, w in enumerate(names)}, special["unk_token"]))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    ids = [(token, names.index(token)) for token in (before, behind)]
    made.post_processor = processors.TemplateProcessing(
        single=f"{before} $A {behind}", pair=f"{before} $A {behind} $B {behind}", special_tokens=ids
    )
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=16, **special)


def save_clip(folder: Path) -> Path:
    """A CLIP of some ten thousand weights, trained for a second to tell colors apart."""
    import torch
    from transformers import CLIPConfig, CLIPModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    torch.manual_seed(7)
    words = tokenizer(
        {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"},
        "<s>",
        "</s>",
    )
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
             "num_attention_heads": 2, "projection_dim": 16}  # fmt: skip
    model = CLIPModel(
        CLIPConfig(
            text_config={
                **small, "vocab_size": len(words), "max_position_embeddings": 16,
                "eos_token_id": words.eos_token_id, "bos_token_id": words.bos_token_id,
                "pad_token_id": words.pad_token_id,
            },
            vision_config={**small, "image_size": 8, "patch_size": 4},
            projection_dim=16,
        )
    )  # fmt: skip
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 8}, crop_size={"height": 8, "width": 8})
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    model.train()
    for step in range(60):
        from PIL import Image

        shade = (step % 5 - 2) * 6
        images = [Image.open(io.BytesIO(square(c, shade))).convert("RGB") for c in COLORS]
        texts = [f"a photo of a {c} square" if step % 2 else c for c in COLORS]
        given = {
            **words(texts, padding=True, return_tensors="pt"),
            **pictures(images=images, return_tensors="pt"),
        }
        given.pop("token_type_ids", None)
        loss = model(**given, return_loss=True).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval().save_pretrained(str(folder))
    words.save_pretrained(str(folder))
    pictures.save_pretrained(str(folder))
    return folder


_BERT_TOKENS = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]",
                "sep_token": "[SEP]", "mask_token": "[MASK]"}  # fmt: skip
_BERT = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
         "intermediate_size": 64, "max_position_embeddings": 16,
         "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}  # fmt: skip


def save_bert(folder: Path) -> Path:
    """A BERT that has learned two sentences by heart."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(7)
    words = tokenizer(_BERT_TOKENS, "[CLS]", "[SEP]")
    model = BertForMaskedLM(BertConfig(vocab_size=len(words), **_BERT))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    given = words(["the square is [MASK]", "this photo is [MASK]"], return_tensors="pt")
    wanted = words(["the square is red", "this photo is blue"], return_tensors="pt").input_ids
    model.train()
    for _ in range(40):
        loss = model(**given, labels=wanted).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval().save_pretrained(str(folder))
    words.save_pretrained(str(folder))
    return folder


def save_nli(
    folder: Path, classes: tuple[str, ...] = ("contradiction", "neutral", "entailment")
) -> Path:
    """A classifier of pairs of texts, drawn by chance widely enough that its answers differ."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(7)
    words = tokenizer(_BERT_TOKENS, "[CLS]", "[SEP]")
    config = BertConfig(
        vocab_size=len(words), num_labels=len(classes), initializer_range=0.3, **_BERT
    )
    config.id2label = dict(enumerate(classes))
    config.label2id = {name: place for place, name in enumerate(classes)}
    BertForSequenceClassification(config).eval().save_pretrained(str(folder))
    words.save_pretrained(str(folder))
    return folder
