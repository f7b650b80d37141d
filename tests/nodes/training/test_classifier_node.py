"""Classifiers over small real encoders of four kinds, both ways; and over MiniLM."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.encoders.classify_node import ClassifyTexts
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.training.classifier_node import TrainClassifier
from patchbay.nodes.training.place import TrainingPlace
from patchbay.nodes.training.watching import Watch
from patchbay.nodes.training.working import alone
from tests.nodes.encoders.networks import COLORS, tokenizer

KINDS = ("bert", "roberta", "distilbert", "albert")
SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
WARM = ("red", "yellow")
ROWS = [
    {"prompt": f"{before} {color}", "answer": "warm" if color in WARM else "cold"}
    for before in ("a photo of", "the color is", "this square is", "about", "a square of", "this")
    for color in COLORS
]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from patchbay.nodes.home import weights_dir

    monkeypatch.setenv("PATCHBAY_WEIGHTS", str(weights_dir()))
    monkeypatch.delenv("PATCHBAY_CACHE", raising=False)
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An untrained encoder of each kind; RoBERTa has room for as many tokens as the others."""
    import torch
    from transformers import (
        AlbertConfig,
        AlbertModel,
        BertConfig,
        BertModel,
        DistilBertConfig,
        DistilBertModel,
        RobertaConfig,
        RobertaModel,
    )

    words = tokenizer(SPECIAL, "[CLS]", "[SEP]")
    small: dict[str, Any] = {
        "vocab_size": len(words), "hidden_size": 32, "intermediate_size": 48,
        "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 16,
        "pad_token_id": words.pad_token_id,
    }  # fmt: skip
    torch.manual_seed(3)
    models = {
        "bert": BertModel(BertConfig(**small)),
        "roberta": RobertaModel(RobertaConfig(**small | {"max_position_embeddings": 17})),
        "distilbert": DistilBertModel(DistilBertConfig(
            vocab_size=len(words), dim=32, hidden_dim=48, n_layers=2, n_heads=2,
            max_position_embeddings=16, pad_token_id=words.pad_token_id)),
        "albert": AlbertModel(AlbertConfig(embedding_size=16, **small)),
    }  # fmt: skip
    found = {}
    for kind, model in models.items():
        found[kind] = tmp_path_factory.mktemp(kind)
        model.save_pretrained(found[kind])
        words.save_pretrained(found[kind])
    return found


def trained(folder: Path, **params: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The outputs of a training, and its report as a dictionary."""
    given = {"weights": str(folder), "epochs": 12, "learning_rate": 5e-3, **params}
    out = run_node(TrainClassifier, given, {"source": ROWS})
    return out, dict(out["report"].rows)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_fine_tuned_and_labels_texts(kind: str, encoders: dict[str, Path]) -> None:
    out, report = trained(encoders[kind], way="fine-tuning")
    losses = [row["loss"] for row in out["curve"].rows]
    assert losses[-1] < 0.1 < losses[0]
    assert report["right, of those held out"].endswith("1.000")
    trained_, whole = str(report["numbers trained"]).split(" of ")
    assert trained_ == whole
    texts = ["a photo of red", "the color is blue"]
    found = run_node(ClassifyTexts, {}, {"classifier": out["classifier"], "text": texts})
    assert found["labels"] == ["warm", "cold"]
    assert found["probability"] > 0.9
    assert abs(sum(found["table"].rows[1][2:]) - 1) < 1e-4
    # Longer than the network reads: cut, not refused by an index that is out of range.
    long = run_node(ClassifyTexts, {}, {"classifier": out["classifier"], "text": "red " * 100})
    assert long["label"] == "warm"


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_features_of_a_frozen_encoder(kind: str, encoders: dict[str, Path]) -> None:
    import torch

    drawn = torch.random.get_rng_state()
    out, report = trained(encoders[kind], epochs=40)
    assert report["numbers trained"].startswith("66 of ")  # 32 · 2 and two more
    losses = [row["loss"] for row in out["curve"].rows]
    assert losses[-1] < losses[0] / 2
    assert torch.random.get_rng_state().equal(drawn), "it seeds the numbers of everybody else"
    folder = Path(out["classifier"].path)
    assert not (folder / "encoder").exists()
    assert not out["classifier"].whole


def test_the_same_is_not_trained_twice(encoders: dict[str, Path]) -> None:
    one, first = trained(encoders["bert"], way="fine-tuning", epochs=2)
    two, second = trained(encoders["bert"], way="fine-tuning", epochs=2)
    assert (one["classifier"], first) == (two["classifier"], second)  # the seconds as well
    other, _ = trained(encoders["bert"], way="fine-tuning", epochs=2, seed=1)
    assert other["classifier"].sha256 != one["classifier"].sha256


def test_minilm_learns_from_the_rows_that_ship() -> None:
    out = run_node(TrainClassifier, {}, {})
    report = dict(out["report"].rows)
    share = float(str(report["right, of those held out"]).rsplit(" ", 1)[1])
    assert share > 0.6
    assert [row[0] for row in out["sizes"].rows][:2] == ["BERT base / large",
                                                         "RoBERTa base / large"]  # fmt: skip


def test_a_training_waits_for_another_one(encoders: dict[str, Path]) -> None:
    """Two at once would draw from one another's random numbers, and write over one another."""
    ctx = RecordingContext()
    other = Watch(lambda *_: None, threading.Event())
    with alone(TrainingPlace("another"), other), ThreadPoolExecutor(1) as threads:
        given = {"weights": str(encoders["bert"]), "epochs": 1}
        run = threads.submit(run_node, TrainClassifier, given, {"source": ROWS}, ctx)
        while not any("waiting for another" in str(said) for said in ctx.progressed):
            assert not run.done()
            time.sleep(0.01)
        ctx.cancelled.set()
        with pytest.raises(NodeError, match="was stopped"):
            run.result()


def test_a_training_is_stopped(encoders: dict[str, Path]) -> None:
    ctx = RecordingContext()
    ctx.cancelled.set()
    with pytest.raises(NodeError, match="was stopped"):
        run_node(TrainClassifier, {"weights": str(encoders["bert"])}, {"source": ROWS}, ctx)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"prompt": "a", "answer": "x"}, {"prompt": "b", "answer": "x"}], "fewer than two labels"),
        ([{"prompt": "a", "answer": "x"}, {"text": "b"}], "has no 'prompt'"),
        ([], "no records"),
    ],
)
def test_rows_that_teach_nothing(rows: Any, message: str, encoders: dict[str, Path]) -> None:
    with pytest.raises(NodeError, match=message):
        run_node(TrainClassifier, {"weights": str(encoders["bert"])}, {"source": rows})


def test_rows_that_say_nothing_new_and_texts_that_are_cut_are_told(
    encoders: dict[str, Path],
) -> None:
    more = [
        ROWS[0], {"prompt": "blue", "answer": None}, {"prompt": " ", "answer": "cold"},
        {"prompt": ROWS[1]["prompt"], "answer": "other"}, {"prompt": "red " * 40, "answer": "warm"},
    ]  # fmt: skip
    given = {"weights": str(encoders["bert"]), "held_out": 0}
    for _ in range(2):  # what was trained before is told of, too
        ctx = RecordingContext()
        run_node(TrainClassifier, given, {"source": [*ROWS, *more]}, ctx)
        first = len(ROWS) + 1
        assert ctx.warnings == [
            f"Row {first} is twice: the same as an earlier row; left out.",
            f"Rows {first + 1}, {first + 2} are without a text or a label: there is nothing to "
            "label, or no label; left out.",
            f"Row {first + 3} has another label than before: the same text as an earlier row has, "
            "which has another label; kept.",
            "1 text is longer than 16 tokens; the rest is not read.",
        ]


def test_what_is_no_encoder_and_what_is_no_text(tmp_path: Path, encoders: dict[str, Path]) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(NodeError):
        run_node(TrainClassifier, {"weights": str(tmp_path)}, {"source": ROWS})
    out, _ = trained(encoders["bert"], epochs=1)
    for text in ([], {"a": 1}, [1, 2]):
        with pytest.raises(NodeError, match="no text to label"):
            run_node(ClassifyTexts, {}, {"classifier": out["classifier"], "text": text})
    head = Path(out["classifier"].path) / "head.safetensors"
    head.unlink()
    with pytest.raises(NodeError, match="cannot be read"):
        run_node(ClassifyTexts, {}, {"classifier": out["classifier"], "text": "red"})
