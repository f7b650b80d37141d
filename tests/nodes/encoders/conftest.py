"""Small networks, made once, and a home of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.nodes.encoders.networks import COLORS, save_bert, save_clip, save_nli, square


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP that tells colors apart."""
    return save_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT that knows two sentences."""
    return save_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def nli_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of entailment."""
    return save_nli(tmp_path_factory.mktemp("nli"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder; the weights stay where they are."""
    from patchbay.nodes.home import weights_dir

    monkeypatch.setenv("PATCHBAY_WEIGHTS", str(weights_dir()))
    monkeypatch.delenv("PATCHBAY_CACHE", raising=False)
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """A folder with a picture of each color, and a file that is none."""
    folder = tmp_path / "squares"
    (folder / "more").mkdir(parents=True)
    for number, color in enumerate(COLORS):
        place = folder / "more" if color == "white" else folder
        (place / f"picture_{number}.png").write_bytes(square(color))
    (folder / "notes.txt").write_text("no picture")
    return folder
