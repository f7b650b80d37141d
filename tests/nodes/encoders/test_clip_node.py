"""The node `embeddings.clip`, and what it opens."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.encoders.clip_node import ClipNode
from patchbay.nodes.encoders.clip_spec import ClipEmbeddings
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import EmbeddingsSpec, content_hash, port_type
from tests.nodes.encoders.networks import COLORS, save_bert, square


@pytest.fixture(scope="module")
def encoder(clip_folder: Path) -> Any:
    return ClipEmbeddings(weights=str(clip_folder), batch=4).open(RecordingContext())


def test_it_only_describes() -> None:
    out = run_node(ClipNode, {"weights": "hf:some/clip@main"})
    assert out["embeddings"] == ClipEmbeddings(weights="hf:some/clip@main")
    assert port_type(EmbeddingsSpec).accepts(out["embeddings"])
    assert ClipNode.summary(ClipNode.Params()) == "CLIP-ViT-B-32-laion2B-s34B-b79K"


def test_the_vectors_are_those_of_transformers(encoder: Any, clip_folder: Path) -> None:
    """Transformers' own comparison of pictures and texts comes to the same numbers."""
    import numpy as np
    import torch
    from PIL import Image
    from transformers import AutoTokenizer, CLIPModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    texts = [f"a photo of a {color} square" for color in COLORS]
    files = [square(color) for color in COLORS]
    model = CLIPModel.from_pretrained(str(clip_folder)).eval()
    tokens = AutoTokenizer.from_pretrained(str(clip_folder))(
        texts, padding=True, return_tensors="pt"
    )
    pixels = CLIPImageProcessorPil.from_pretrained(str(clip_folder))(
        images=[Image.open(io.BytesIO(data)).convert("RGB") for data in files], return_tensors="pt"
    )
    with torch.inference_mode():
        theirs = model(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"], **pixels
        )
    ours = np.array(encoder.embed_pictures(files)) @ np.array(encoder.embed_documents(texts)).T
    assert np.allclose(encoder.scale * ours, theirs.logits_per_image.numpy(), atol=1e-3)


def test_words_are_nearest_to_pictures_of_them(encoder: Any) -> None:
    import numpy as np

    pictures = np.array(encoder.embed_pictures([square(color, 4) for color in COLORS]))
    for place, color in enumerate(COLORS):
        assert int(np.argmax(pictures @ np.array(encoder.embed_query(color)))) == place


@pytest.mark.parametrize("form", ["JPEG", "GIF", "WEBP"])
def test_pictures_of_other_forms_are_seen_alike(encoder: Any, form: str) -> None:
    import numpy as np

    one, other = np.array(encoder.embed_pictures([square("red"), square("red", form=form)]))
    assert one @ other > 0.98


def test_a_text_that_is_too_long_is_cut_and_counted(encoder: Any) -> None:
    assert len(encoder.embed_query("red " * 100)) == 16
    assert (encoder.take_cut(), encoder.take_cut()) == (1, 0)


@pytest.mark.parametrize("data", [b"", b"not a picture", square("red")[:40], b"<svg/>"])
def test_what_is_no_picture_is_said(encoder: Any, data: bytes) -> None:
    with pytest.raises(NodeError, match="cannot be read") as failed:
        encoder.embed_pictures([data])
    assert failed.value.code == "io/not-a-picture"


def test_a_network_that_is_no_clip_is_said(tmp_path: Path) -> None:
    folder = save_bert(tmp_path)
    with pytest.raises(NodeError, match="it is a bert network"):
        ClipEmbeddings(weights=str(folder)).open(RecordingContext())


def test_without_its_notes_pictures_are_scaled_as_the_network_needs(
    clip_folder: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(clip_folder, tmp_path / "copy")
    (copy / "preprocessor_config.json").unlink()
    opened = ClipEmbeddings(weights=str(copy)).open(RecordingContext())
    assert len(opened.embed_pictures([square("red")])[0]) == 16


def test_the_content_of_the_weights_is_what_counts(clip_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(clip_folder, tmp_path / "copy")
    one, other = (ClipEmbeddings(weights=str(f)) for f in (clip_folder, copy))
    assert content_hash(one) == content_hash(other)
    assert content_hash(one) != content_hash(ClipEmbeddings(weights="hf:a/b"))
