"""The node `retrieval.found_picture`."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.encoders.found_picture import FoundPicture
from patchbay.nodes.encoders.picture_files import picture_document
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import Document
from tests.nodes.encoders.networks import square


def indexed(folder: Path) -> list[Document]:
    paths = sorted(folder.glob("*.png"))
    return [
        picture_document(path, folder, 10_000)[0].model_copy(update={"score": 0.5})
        for path in paths
    ]


def test_the_best_picture_is_shown_and_all_are_listed(squares: Path) -> None:
    out = run_node(FoundPicture, {}, {"documents": indexed(squares)})
    assert base64.b64decode(out["picture"].data) == square("red")
    assert out["picture"].alt == "picture 0"
    assert out["table"].rows[1] == (2, "picture_1.png", 0.5)


def test_another_one_can_be_asked_for(squares: Path) -> None:
    out = run_node(FoundPicture, {"number": 3}, {"documents": indexed(squares)})
    assert base64.b64decode(out["picture"].data) == square("blue")


def test_one_that_was_not_found_is_said(squares: Path) -> None:
    with pytest.raises(NodeError, match="no picture number 9: 5 were found"):
        run_node(FoundPicture, {"number": 9}, {"documents": indexed(squares)})


def test_a_document_that_is_no_picture_is_said() -> None:
    with pytest.raises(NodeError, match="not found in a picture index"):
        run_node(FoundPicture, {}, {"documents": [Document(text="a chunk")]})


def test_a_changed_picture_is_not_shown(squares: Path) -> None:
    documents = indexed(squares)
    (squares / "picture_0.png").write_bytes(square("blue"))
    with pytest.raises(NodeError, match="was changed"):
        run_node(FoundPicture, {}, {"documents": documents})


def test_a_file_that_is_no_picture_is_never_read_out(tmp_path: Path) -> None:
    """Whoever gives documents of their own must not get other files that way."""
    secret = tmp_path / "secret.png"
    secret.write_text("key")
    about = {"path": str(secret), "sha256": hashlib.sha256(b"key").hexdigest(), "source": "x"}
    with pytest.raises(NodeError, match="was changed"):
        run_node(FoundPicture, {}, {"documents": [Document(text="", metadata=about)]})
