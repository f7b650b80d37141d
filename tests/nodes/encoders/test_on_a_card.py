"""Encoders on a graphics card: nothing is left on the processor, and the numbers are the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.encoders.classifier import load_classifier
from patchbay.nodes.encoders.clip import load_clip
from patchbay.nodes.encoders.heads import load_entailment, load_mask_filler
from patchbay.nodes.models.transformers import placing
from patchbay.nodes.retrieval.cross_encoder import load_cross_encoder
from patchbay.nodes.retrieval.encoder import load_encoder
from patchbay.nodes.training.classifier import ClassifierJob, ClassifierSettings, train_classifier
from tests.card import CARD, card
from tests.nodes.encoders import networks

TEXTS = [f"the photo is {color}" for color in networks.COLORS]


@pytest.fixture
def on_card(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(placing, "pick_device", lambda _: CARD)
    with card():
        yield


def encoder(folder: Path) -> Any:
    from transformers import BertConfig, BertModel

    words = networks.tokenizer(networks._BERT_TOKENS, "[CLS]", "[SEP]")
    import torch

    torch.manual_seed(3)
    BertModel(BertConfig(vocab_size=len(words), **networks._BERT)).save_pretrained(str(folder))
    words.save_pretrained(str(folder))
    return folder


def vectors(folder: Path) -> Any:
    opened = load_encoder(encoder(folder / "encoder"), max_tokens=None, batch=4)
    return opened.embed_documents(TEXTS), opened._model.device.type


def scores(folder: Path) -> Any:
    opened = load_cross_encoder(networks.save_nli(folder / "pairs", ("other", "fits")))
    return [opened.score("the photo", TEXTS)], opened._model.device.type


def pictures(folder: Path) -> Any:
    opened = load_clip(networks.save_clip(folder / "clip"), batch=4)
    seen = opened.embed_pictures([networks.square(color) for color in networks.COLORS])
    return seen + opened.embed_documents(TEXTS), opened._model.device.type


def masks(folder: Path) -> Any:
    opened = load_mask_filler(networks.save_bert(folder / "bert"))
    filled = opened.fill("the square is [MASK]", 4)
    return [[one.probability for one in filled[0]]], opened._model.device.type


def entailed(folder: Path) -> Any:
    opened = load_entailment(networks.save_nli(folder / "nli"))
    return [list(pair) for pair in opened.logits("a red square", TEXTS)], opened._model.device.type


ENCODERS: list[Callable[[Path], Any]] = [vectors, scores, pictures, masks, entailed]


@pytest.mark.parametrize("work", ENCODERS, ids=lambda work: work.__name__)
def test_it_computes_there(
    work: Callable[[Path], Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    here, place = work(tmp_path / "here")
    assert place == "cpu"
    request.getfixturevalue("on_card")
    there, place = work(tmp_path / "there")
    assert place == CARD
    for found, wanted in zip(there, here, strict=True):
        assert found == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("way", ["features", "fine-tuning"])
def test_a_classifier_is_trained_there(
    way: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    rows = [(text, "warm" if text.endswith(("red", "yellow")) else "cold") for text in TEXTS]
    folder = encoder(tmp_path / "encoder")
    job = ClassifierJob(folder, "it", rows, rows, ClassifierSettings(way, 2, 1e-3, 4, 16, 0))

    def trained(home: str) -> Any:
        monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / home))
        record = train_classifier(job, lambda *_: None, threading.Event())
        kept = job.place.result
        inner = kept / "encoder" if way == "fine-tuning" else folder
        return record["curve"], load_classifier(kept, inner).probabilities(TEXTS)

    curve, said = trained("here")
    request.getfixturevalue("on_card")
    again, likewise = trained("there")
    assert again == pytest.approx(curve, abs=1e-4)
    for found, wanted in zip(likewise, said, strict=True):
        assert found == pytest.approx(wanted, abs=1e-3)
