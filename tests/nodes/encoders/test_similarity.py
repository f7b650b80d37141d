"""The node `embeddings.similarity`."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.encoders.clip_spec import ClipEmbeddings
from patchbay.nodes.encoders.similarity import SimilarityMatrix
from patchbay.nodes.figures import Picture
from patchbay.nodes.retrieval.local_embeddings import LocalEmbeddings
from patchbay.nodes.testing import run_node
from tests.nodes.encoders.networks import square
from tests.nodes.retrieval.scripted import Letters


def matrix(**inputs: Any) -> dict[str, Any]:
    return run_node(SimilarityMatrix, {}, {"embeddings": Letters(), **inputs})


def picture(color: str) -> Picture:
    data = base64.b64encode(square(color)).decode()
    return Picture(media="image/png", data=data, alt=color)


def test_a_matrix_has_ones_across_and_is_its_own_mirror() -> None:
    out = matrix(texts=["aab", "ab", "zzz"])
    rows = [row[1:] for row in out["table"].rows]
    assert [rows[i][i] for i in range(3)] == [1, 1, 1]
    assert rows[0][1] == rows[1][0] == pytest.approx(3 / (5 * 2) ** 0.5, abs=0.01)
    assert out["table"].columns == ("", "aab", "ab", "zzz")
    assert out["chart"].kind == "heat"
    assert len(out["chart"].rows) == 9
    assert out["pairs"].rows[0][:2] == ("aab", "ab")
    assert len(out["pairs"].rows) == 3


def test_lines_of_a_text_are_texts_and_equal_ones_stay_two() -> None:
    assert matrix(texts="one\n\n one \ntwo")["table"].columns == ("", "one", "one (2)", "two")


def test_rows_can_be_compared_with_others() -> None:
    out = matrix(texts=["aa", "bb"], others=["b", "a", "c"])
    assert out["table"].columns == ("", "b", "a", "c")
    assert out["pairs"].rows[0][2] == pytest.approx(1, abs=0.01)
    assert len(out["pairs"].rows) == 6


def test_pictures_are_compared_with_words(clip_folder: Path) -> None:
    out = matrix(
        embeddings=ClipEmbeddings(weights=str(clip_folder)),
        pictures=[picture("red"), picture("blue")],
        others=["blue", "red"],
    )
    rows = {row[0]: row[1:] for row in out["table"].rows}
    assert rows["red"][1] > rows["red"][0]
    assert rows["blue"][0] > rows["blue"][1]


def test_the_real_model_knows_what_belongs_together() -> None:
    texts = ["A cat sleeps.", "A kitten is asleep.", "The tax is due in May."]
    pairs = matrix(embeddings=LocalEmbeddings(), texts=texts)["pairs"].rows
    assert pairs[0][:2] == (texts[0], texts[1])
    assert pairs[0][2] > pairs[1][2] + 0.3


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "nothing to compare"),
        ({"texts": ["one"]}, "nothing to compare"),
        ({"texts": [str(n) for n in range(71)]}, "more than 70"),
        ({"texts": {"a": 1}}, "takes a list of texts"),
        ({"texts": [["a"]]}, "takes a list of texts"),
        ({"pictures": [picture("red"), picture("red")]}, "sees no pictures"),
    ],
)
def test_what_cannot_be_compared_is_said(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(NodeError, match=message):
        matrix(**inputs)
