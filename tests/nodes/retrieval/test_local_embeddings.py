"""Embeddings in this process: the real model, its description, and folders of other models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.retrieval.encoder import TransformerEmbeddings, load_encoder
from patchbay.nodes.retrieval.local_embeddings import HuggingFaceEmbeddings, LocalEmbeddings
from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.values import content_hash
from patchbay.nodes.weights.folders import resolve_folder

TEXTS = ["Photosynthesis turns light into sugar.", "The stock market fell.", "Plants eat light."]


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_like_meanings_have_like_vectors(encoder: TransformerEmbeddings) -> None:
    query = encoder.embed_query("How do leaves make energy?")
    plants, market, eat = encoder.embed_documents(TEXTS)
    assert len(query) == 384
    assert abs(cosine(query, query) - 1) < 1e-5
    assert cosine(query, plants) > 0.4
    assert cosine(query, plants) > cosine(query, market) + 0.2
    assert cosine(plants, eat) > 0.5


def test_batches_do_not_change_vectors_nor_their_order(encoder: TransformerEmbeddings) -> None:
    texts = [f"{'word ' * (number % 7)}number {number}" for number in range(40)]
    together = encoder.embed_documents(texts)
    for number in (0, 6, 39):
        assert cosine(together[number], encoder.embed_query(texts[number])) > 0.9999
    assert encoder.embed_documents([]) == []


def test_texts_that_are_cut_are_counted(encoder: TransformerEmbeddings) -> None:
    encoder.take_cut()
    encoder.embed_documents(["short", "long " * 400])
    assert encoder.take_cut() == 1
    assert encoder.take_cut() == 0


def test_how_it_is_computed_does_not_count_as_content_but_the_weights_do(home: Path) -> None:
    assert content_hash(LocalEmbeddings(batch=8)) == content_hash(LocalEmbeddings(batch=64))
    assert content_hash(LocalEmbeddings(max_tokens=64)) != content_hash(LocalEmbeddings())
    found = resolve_folder("all-minilm-l6-v2", lambda label, done, total: None)
    copy = home / "copy"
    shutil.copytree(found, copy)
    first = content_hash(HuggingFaceEmbeddings(weights=str(copy)))
    (copy / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    assert content_hash(HuggingFaceEmbeddings(weights=str(copy))) != first


def test_a_folder_says_how_to_pool(home: Path, encoder: TransformerEmbeddings) -> None:
    found = resolve_folder("all-minilm-l6-v2", lambda label, done, total: None)
    copy = home / "copy"
    shutil.copytree(found, copy)
    (copy / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    spec = HuggingFaceEmbeddings(weights=str(copy), max_tokens=16)
    other = spec.open(RecordingContext())
    assert other.max_tokens == 16
    assert cosine(other.embed_query(TEXTS[0]), encoder.embed_query(TEXTS[0])) < 0.99


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}, "pools by"),
        ("modules.json", [{"type": "sentence_transformers.models.Dense"}], "Dense"),
    ],
)
def test_what_is_not_supported_is_refused(
    tmp_path: Path, name: str, content: object, why: str
) -> None:
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(NodeError, match=why) as caught:
        load_encoder(tmp_path, max_tokens=None, batch=8)
    assert caught.value.code == "embeddings/unsupported"


def test_a_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(NodeError, match="does not load"):
        HuggingFaceEmbeddings(weights=str(tmp_path)).open(RecordingContext())


@pytest.mark.parametrize(
    ("weights", "code"),
    [
        ("hf:just-a-name", "weights/reference"),
        ("hf:a/../b", "weights/reference"),
        ("no-such-name", "weights/unknown"),
    ],
)
def test_a_bad_reference_says_so(weights: str, code: str) -> None:
    with pytest.raises(NodeError) as caught:
        HuggingFaceEmbeddings(weights=weights).open(RecordingContext())
    assert caught.value.code == code
