"""Shared by the tests of retrieval: one open embeddings model, and a home of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.nodes.retrieval.encoder import TransformerEmbeddings
from patchbay.nodes.retrieval.local_embeddings import LocalEmbeddings
from patchbay.nodes.testing import RecordingContext


@pytest.fixture(scope="session")
def encoder() -> TransformerEmbeddings:
    """The default model, really loaded; its weights are fetched on the first run."""
    return LocalEmbeddings().open(RecordingContext())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder; the weights stay where they are."""
    from patchbay.nodes.home import weights_dir

    monkeypatch.setenv("PATCHBAY_WEIGHTS", str(weights_dir()))
    monkeypatch.delenv("PATCHBAY_CACHE", raising=False)
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
