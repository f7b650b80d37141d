"""Reading a file gives its text or says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.io.files import file_ref
from patchbay.nodes.io.read_file import ReadFile
from patchbay.nodes.testing import run_node


def refused(path: Path, change=lambda: None, **params) -> NodeError:
    ref = file_ref(path, "test")
    change()
    with pytest.raises(NodeError) as caught:
        run_node(ReadFile, params, {"file": ref})
    return caught.value


def test_the_text_of_a_file(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("grüezi\n", encoding="utf-8")
    assert run_node(ReadFile, inputs={"file": file_ref(path, "test")}) == {"text": "grüezi\n"}


def test_a_file_of_exactly_the_limit_is_read(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 1000)
    assert (
        len(run_node(ReadFile, {"limit_mb": 0.001}, {"file": file_ref(path, "t")})["text"]) == 1000
    )


def test_a_larger_file_is_refused_with_the_limit(tmp_path: Path):
    path = tmp_path / "big.txt"
    path.write_bytes(b"x" * 1001)
    error = refused(path, limit_mb=0.001)
    assert "larger than 1 kB" in error.message
    assert error.code == "io/file-too-large"


def test_a_file_that_changed_is_not_passed_off_as_the_old_one(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("one")
    assert refused(path, lambda: path.write_text("two")).code == "io/file-changed"


def test_a_file_that_is_gone(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("one")
    assert refused(path, path.unlink).code == "io/no-such-file"


def test_a_binary_file_is_refused(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\x89PNG\r\n")
    error = refused(path)
    assert error.code == "io/not-text"
    assert "a.txt" in error.message
