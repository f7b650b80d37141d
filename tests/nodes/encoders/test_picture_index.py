"""The node `retrieval.picture_index`: pictures are found by words, through the usual nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.encoders.clip import ClipEncoder
from patchbay.nodes.encoders.clip_spec import ClipEmbeddings
from patchbay.nodes.encoders.picture_index import PictureIndex
from patchbay.nodes.retrieval.retriever_node import Retriever
from patchbay.nodes.retrieval.search import Search
from patchbay.nodes.testing import RecordingContext, run_node
from tests.nodes.encoders.networks import square


@pytest.fixture
def made(home: Path, squares: Path, clip_folder: Path) -> Any:
    def make(**params: Any) -> Any:
        given = {"embeddings": ClipEmbeddings(weights=str(clip_folder))}
        ctx = RecordingContext()
        return run_node(PictureIndex, {"path": str(squares), **params}, given, ctx)["index"]

    return make


def found(index: Any, query: str, **params: Any) -> list[Any]:
    retriever = run_node(Retriever, {"k": 2, **params}, {"index": index})["retriever"]
    return list(run_node(Search, {}, {"retriever": retriever, "query": query})["documents"])


@pytest.mark.parametrize(
    ("query", "name"),
    [("red", "picture_0.png"), ("a photo of a white square", "more/picture_5.png")],
)
def test_a_picture_is_found_by_what_it_shows(made: Any, query: str, name: str) -> None:
    best, second = found(made(), query)
    assert best.metadata["source"] == name
    assert best.score > second.score


def test_a_name_is_found_by_its_words(made: Any) -> None:
    assert found(made(), "picture 3", strategy="bm25")[0].metadata["source"] == "picture_3.png"


def test_only_what_is_meant_is_indexed(made: Any) -> None:
    assert made().chunks == 6
    assert made(subfolders=False).chunks == 5
    assert made(pattern="more/*").chunks == 1


def test_what_was_seen_is_not_looked_at_again(
    made: Any, squares: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    real = ClipEncoder.embed_pictures

    def counted(self: ClipEncoder, files: Any) -> Any:
        seen.append(len(files))
        return real(self, files)

    monkeypatch.setattr(ClipEncoder, "embed_pictures", counted)
    first = made()
    assert made() == first
    assert seen == [6]
    (squares / "new.png").write_bytes(square("blue", 5))
    second = made()
    assert (second.chunks, seen) == (7, [6, 1])
    (squares / "new.png").write_bytes(square("red", 5))
    assert made().key != second.key


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"path": ""}, "No folder of pictures is named"),
        ({"path": "/nowhere/at/all"}, "there is no folder"),
        ({"pattern": "*.jpg"}, "no picture that matches"),
        ({"most_files": 3}, "more than 3 pictures"),
        ({"limit_mb": 0.00001}, "is larger than"),
    ],
)
def test_what_cannot_be_indexed_is_said(made: Any, params: dict[str, Any], message: str) -> None:
    with pytest.raises(NodeError, match=message):
        made(**params)


def test_the_picture_that_cannot_be_read_is_named(made: Any, squares: Path) -> None:
    (squares / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    with pytest.raises(NodeError, match=r"broken\.png: A picture cannot be read"):
        made()
    assert made(pattern="picture*").chunks == 6
