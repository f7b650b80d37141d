"""Where weights are fetched to is its owner's, as the rest of the cache."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchbay.nodes.weights.errors import Wanted
from patchbay.nodes.weights.place import alone, make_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")


@pytest.fixture(autouse=True)
def open_handed() -> Iterator[None]:
    """A system that gives everything to everybody unless told otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_folders_for_weights_are_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATCHBAY_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    wanted = Wanted("a model", tmp_path / "cache" / "patchbay" / "weights" / "a.gguf", "here", 1)
    with alone(wanted, lambda label, done, total: None):
        pass
    made = [path for path in (tmp_path / "cache").rglob("*") if path.is_dir()]
    assert len(made) >= 3
    assert {mode(path) for path in [tmp_path / "cache", *made]} == {0o700}


def test_a_place_that_was_named_may_be_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHBAY_WEIGHTS", str(tmp_path / "lab"))
    make_folder(tmp_path / "lab" / "hf")
    assert mode(tmp_path / "lab" / "hf") == 0o777
