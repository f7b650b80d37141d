"""The node `embeddings.plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.encoders.clip_spec import ClipEmbeddings
from patchbay.nodes.encoders.picture_index import PictureIndex
from patchbay.nodes.encoders.plot import EmbeddingPlot, on_a_plane
from patchbay.nodes.retrieval.index_node import Index
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import Document
from tests.nodes.retrieval.scripted import Letters


def plot(**inputs: Any) -> dict[str, Any]:
    return run_node(EmbeddingPlot, {}, {"embeddings": Letters(), **inputs})


def test_the_plane_is_that_of_the_largest_spread() -> None:
    """Points on a plane in space keep their distances, and nothing of their spread is lost."""
    flat = np.array([[0, 0], [3, 0], [0, 1], [3, 1], [6, 0.5]])
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0][:2]
    places, kept = on_a_plane((flat @ turn).astype(np.float32))
    assert sum(kept) == pytest.approx(1)
    assert kept[0] > 0.9

    def distances(points: Any) -> Any:
        return np.linalg.norm(points[:, None] - points[None], axis=-1)

    assert np.allclose(distances(places), distances(flat), atol=1e-5)


@pytest.mark.parametrize("rows", [np.ones((4, 3)), np.ones((3, 1)), np.array([[1.0], [2], [3]])])
def test_points_that_spread_nowhere_have_a_place(rows: Any) -> None:
    places, kept = on_a_plane(rows.astype(np.float32))
    assert np.isfinite(places).all()
    assert 0 <= sum(kept) <= 1


def test_texts_become_labelled_points() -> None:
    out = plot(texts=["aaa", "aab", "zzz"], groups=["a", "a", "z"])
    assert out["chart"].label == "label"
    assert out["chart"].color == "group"
    places = {row["label"]: np.array([row["1st"], row["2nd"]]) for row in out["chart"].rows}
    near = np.linalg.norm(places["aaa"] - places["aab"])
    assert near < np.linalg.norm(places["aaa"] - places["zzz"])
    assert out["kept"] == pytest.approx(1, abs=1e-3)  # three points always lie on a plane
    assert out["table"].columns == ("label", "1st", "2nd", "group")


def test_the_chunks_of_an_index_are_points(home: Path) -> None:
    chunks = [Document(text=t, metadata={"source": t[0]}) for t in ("aa", "ab", "cc", "cd")]
    index = run_node(Index, {}, {"chunks": chunks, "embeddings": Letters()})["index"]
    out = run_node(EmbeddingPlot, {}, {"index": index})
    assert [row["label"] for row in out["chart"].rows] == ["aa", "ab", "cc", "cd"]
    assert [row["group"] for row in out["chart"].rows] == ["a", "a", "c", "c"]


def test_pictures_of_an_index_and_words_share_a_plane(
    home: Path, squares: Path, clip_folder: Path
) -> None:
    clip = ClipEmbeddings(weights=str(clip_folder))
    index = run_node(PictureIndex, {"path": str(squares)}, {"embeddings": clip})["index"]
    rows = plot(embeddings=clip, texts=["red", "blue"], index=index)["chart"].rows
    assert [row["group"] for row in rows] == ["text"] * 2 + ["picture"] * 6
    assert rows[2]["label"] == "more/picture_5.png"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"texts": ["a", "b"]}, "takes 3 to 2,000 points, and there are 2"),
        ({}, "there are 0"),
        ({"texts": ["a", "b", "c"], "groups": ["x"]}, "holds 1 groups for 3 points"),
        ({"texts": ["a", "b", "c"], "groups": "x"}, "holds no list for 3 points"),
        ({"texts": ["a", "b", "c"], "embeddings": None}, "need embeddings"),
    ],
)
def test_what_cannot_be_shown_is_said(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(NodeError, match=message):
        plot(**inputs)
