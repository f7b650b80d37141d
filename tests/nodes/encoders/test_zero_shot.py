"""The node `text.zero_shot`."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.encoders.clip_spec import ClipEmbeddings
from patchbay.nodes.encoders.zero_shot import ZeroShot, softmax
from patchbay.nodes.figures import Picture
from patchbay.nodes.retrieval.local_embeddings import LocalEmbeddings
from patchbay.nodes.testing import RecordingContext, run_node
from tests.nodes.encoders.networks import COLORS, save_nli, square
from tests.nodes.retrieval.scripted import Letters


def picture(color: str) -> Picture:
    return Picture(media="image/png", data=base64.b64encode(square(color)).decode())


@pytest.mark.parametrize("color", ["red", "blue", "white"])
def test_a_picture_gets_the_label_that_it_shows(clip_folder: Path, color: str) -> None:
    out = run_node(
        ZeroShot,
        {"labels": list(COLORS), "template": "a photo of a {} square"},
        {"picture": picture(color), "embeddings": ClipEmbeddings(weights=str(clip_folder))},
    )
    assert out["label"] == color
    shares = [row[1] for row in out["table"].rows]
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert shares == sorted(shares, reverse=True)
    assert out["probability"] == pytest.approx(shares[0], abs=1e-5)


def test_the_probabilities_are_those_that_clip_gives(clip_folder: Path) -> None:
    """The softmax of the scaled cosines, as `logits_per_image.softmax` in the paper's code."""
    opened = ClipEmbeddings(weights=str(clip_folder))
    given = {"picture": picture("red"), "embeddings": opened}
    out = run_node(ZeroShot, {"labels": ["red", "blue"], "scale": 1}, given)
    model = opened.open(RecordingContext())
    seen = model.embed_pictures([square("red")])[0]
    cosines = [
        sum(a * b for a, b in zip(seen, model.embed_query(label), strict=True))
        for label in ("red", "blue")
    ]
    wanted = softmax([model.scale * cosine for cosine in cosines])
    assert out["probability"] == pytest.approx(wanted[0], abs=1e-4)


def test_the_real_model_classifies_texts() -> None:
    params = {"labels": ["sport", "politics", "cooking"], "template": "This text is about {}."}
    given = {"embeddings": LocalEmbeddings(), "text": "Stir the onions until they are golden."}
    assert run_node(ZeroShot, params, given)["label"] == "cooking"
    given["text"] = "The parliament votes on the new law today."
    assert run_node(ZeroShot, params, given)["label"] == "politics"


def test_a_wired_list_of_labels_counts_before_the_params() -> None:
    given = {"embeddings": Letters(), "text": "zz", "labels": ["aa", "zz", "zz"]}
    out = run_node(ZeroShot, {}, given)
    assert out["label"] == "zz"
    assert len(out["table"].rows) == 2


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("text", ["the square is red", "this photo is about the color blue"])
def test_entailment_gives_the_probabilities_of_transformers(
    nli_folder: Path, text: str, several: bool
) -> None:
    from transformers import pipeline

    labels = ["red", "green", "blue"]
    theirs = pipeline("zero-shot-classification", model=str(nli_folder))(
        text, candidate_labels=labels, hypothesis_template="this is about {}", multi_label=several
    )
    params = {"by": "entailment", "labels": labels, "weights": str(nli_folder),
              "template": "this is about {}", "several": several}  # fmt: skip
    out = run_node(ZeroShot, params, {"text": text})
    assert out["label"] == theirs["labels"][0]
    assert [row[0] for row in out["table"].rows] == theirs["labels"]
    shares = [row[1] for row in out["table"].rows]
    assert shares == pytest.approx(theirs["scores"], abs=1e-4)
    assert shares[0] > shares[-1] + 0.001  # the network does tell them apart


def test_a_classifier_that_knows_no_entailment_is_said(tmp_path: Path) -> None:
    folder = save_nli(tmp_path, ("positive", "negative"))
    with pytest.raises(NodeError, match="not trained on entailment: it tells apart positive"):
        run_node(ZeroShot, {"by": "entailment", "weights": str(folder)}, {"text": "the square"})


def test_a_network_without_the_head_is_refused_and_not_drawn_by_chance(bert_folder: Path) -> None:
    with pytest.raises(NodeError, match="its weights lack"):
        run_node(ZeroShot, {"by": "entailment", "weights": str(bert_folder)}, {"text": "a square"})


@pytest.mark.parametrize(
    ("params", "inputs", "message"),
    [
        ({"labels": ["one"]}, {"text": "x"}, "1 labels to choose from"),
        ({}, {"text": " "}, 'Either "text" or "picture"'),
        ({}, {}, 'Either "text" or "picture"'),
        ({}, {"text": "x", "picture": picture("red")}, 'Either "text" or "picture"'),
        ({}, {"text": "x", "embeddings": None}, "No embeddings are wired"),
        ({}, {"picture": picture("red")}, "sees no pictures"),
        ({"by": "entailment"}, {"picture": picture("red")}, "cannot be classified by entailment"),
    ],
)
def test_what_cannot_be_classified_is_said(
    params: dict[str, Any], inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(NodeError, match=message):
        run_node(ZeroShot, params, {"embeddings": Letters(), **inputs})


def test_a_template_without_a_place_is_refused() -> None:
    with pytest.raises(ValidationError, match="where the label goes"):
        ZeroShot.Params(template="This is about it.")
