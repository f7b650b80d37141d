"""Texts labelled by a head that was made by hand, over a small BERT."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.encoders.classifier import load_reader
from patchbay.nodes.encoders.classifier_spec import TrainedClassifier
from patchbay.nodes.encoders.classify_node import ClassifyTexts
from patchbay.nodes.testing import run_node


@pytest.fixture
def classifier(bert_folder: Path, tmp_path: Path) -> TrainedClassifier:
    """A head that says what lies nearer: a red or a blue thing."""
    import torch
    from safetensors.torch import save_file

    with torch.inference_mode():
        vectors = load_reader(bert_folder, 16).vectors(["red", "blue"]).clone()
    bias = -0.5 * (vectors * vectors).sum(1)
    save_file({"weight": vectors, "bias": bias}, tmp_path / "head.safetensors")
    about = {"labels": ["red thing", "blue thing"], "max_tokens": 16}
    (tmp_path / "classifier.json").write_text(json.dumps(about))
    return TrainedClassifier(
        path=str(tmp_path), sha256="0" * 64, labels=("red thing", "blue thing"),
        base=str(bert_folder),
    )  # fmt: skip


def test_a_text_and_a_list(classifier: TrainedClassifier) -> None:
    one = run_node(ClassifyTexts, {}, {"classifier": classifier, "text": "blue"})
    assert one["label"] == "blue thing"
    assert one["labels"] == ["blue thing"]
    assert [row["label"] for row in one["chart"].rows] == ["blue thing", "red thing"]
    assert one["probability"] == pytest.approx(one["chart"].rows[0]["probability"], abs=1e-6)
    many = run_node(ClassifyTexts, {}, {"classifier": classifier, "text": ["blue", "red"]})
    assert many["labels"] == ["blue thing", "red thing"]
    assert many["table"].columns == ("text", "label", "p(red thing)", "p(blue thing)")


def test_nothing_to_label(classifier: TrainedClassifier) -> None:
    with pytest.raises(NodeError, match="no text to label") as caught:
        run_node(ClassifyTexts, {}, {"classifier": classifier, "text": []})
    assert caught.value.port == "text"


def test_what_was_kept_is_gone(classifier: TrainedClassifier) -> None:
    (Path(classifier.path) / "classifier.json").unlink()
    with pytest.raises(NodeError, match="cannot be read") as caught:
        run_node(ClassifyTexts, {}, {"classifier": classifier, "text": "red"})
    assert "Run the node" in str(caught.value.fix)
