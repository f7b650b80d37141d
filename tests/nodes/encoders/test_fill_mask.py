"""The node `text.fill_mask`."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.encoders.fill_mask import FillMask
from patchbay.nodes.testing import run_node
from tests.nodes.encoders.networks import save_clip


def test_a_mask_is_filled_with_what_was_learned(bert_folder: Path) -> None:
    out = run_node(
        FillMask, {"weights": str(bert_folder), "most": 3}, {"text": "The square is [MASK]"}
    )
    assert out["text"] == "The square is red"
    assert out["table"].columns == ("word", "probability")
    shares = [row[1] for row in out["table"].rows]
    assert len(shares) == 3
    assert 0.5 < shares[0] <= 1
    assert shares == sorted(shares, reverse=True)


def test_the_probabilities_are_those_of_transformers(bert_folder: Path) -> None:
    from transformers import pipeline

    text = "this photo is [MASK]"
    theirs = pipeline("fill-mask", model=str(bert_folder), top_k=4)(text)
    ours = run_node(FillMask, {"weights": str(bert_folder), "most": 4}, {"text": text})
    assert [row[0] for row in ours["table"].rows] == [one["token_str"] for one in theirs]
    assert [row[1] for row in ours["table"].rows] == pytest.approx(
        [one["score"] for one in theirs], abs=1e-5
    )


def test_each_of_several_masks_has_words_of_its_own(bert_folder: Path) -> None:
    out = run_node(FillMask, {"weights": str(bert_folder)}, {"text": "the [MASK] is [MASK]"})
    assert out["table"].columns == ("mask", "word", "probability")
    assert [row[0] for row in out["table"].rows] == [1] * 5 + [2] * 5
    assert "[MASK]" not in out["text"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("no gap at all", "no \\[MASK\\] to fill"), ("the [MASK] " * 30, "the model reads 16")],
)
def test_a_text_that_cannot_be_filled_is_said(bert_folder: Path, text: str, message: str) -> None:
    with pytest.raises(NodeError, match=message):
        run_node(FillMask, {"weights": str(bert_folder)}, {"text": text})


def test_a_network_that_fills_no_masks_is_said(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="cannot be used here"):
        run_node(FillMask, {"weights": str(save_clip(tmp_path))}, {"text": "the [MASK]"})


def test_weights_that_are_not_there_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHBAY_OFFLINE", "1")
    with pytest.raises(NodeError, match="not on this machine"):
        run_node(FillMask, {"weights": "hf:nobody/nothing"}, {"text": "the [MASK]"})
