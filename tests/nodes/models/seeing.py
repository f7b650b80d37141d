"""A tiny network that sees, with random weights: LLaVA as Transformers builds it, in a folder."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from patchbay.nodes.values import Picture
from tests.nodes.models import tiny

PATCHES = 16
"""Tokens that stand for a picture of 32 by 32 pixels, in patches of 8."""

TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% for part in message['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}"
    "{{ '<|im_end|>\\n' }}{% endfor %}{{ '<|im_start|>assistant\\n' }}"
)


def seeing_folder(folder: Path) -> Path:
    """Save the network, its tokenizer and what makes numbers of pictures."""
    import torch
    from transformers import (
        AutoTokenizer,
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    words = AutoTokenizer.from_pretrained(tiny.folder_of(tiny.network(), folder / "words"))
    words.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<image>"]})
    sight = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        image_size=32, patch_size=8, initializer_range=0.3,
    )  # fmt: skip
    text = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
        initializer_range=0.3, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(1)
    image_token = words.convert_tokens_to_ids("<image>")
    config = LlavaConfig(vision_config=sight, text_config=text, image_token_index=image_token)
    square = {"height": 32, "width": 32}
    LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size=square, crop_size=square), tokenizer=words,
        patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    ).save_pretrained(folder)  # fmt: skip
    LlavaForConditionalGeneration(config).eval().save_pretrained(folder)
    return folder


def picture(color: str, alt: str = "") -> Picture:
    """A PNG of one colour."""
    from PIL import Image

    held = io.BytesIO()
    Image.new("RGB", (50, 40), color).save(held, "PNG")
    data = base64.b64encode(held.getvalue()).decode()
    return Picture(media="image/png", data=data, alt=alt)
