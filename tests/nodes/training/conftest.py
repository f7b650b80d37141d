"""A home of one's own, a tiny network to train, and rows for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.nodes.home import cache_dir, weights_dir
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.training.datasets import InstructionData, PreferenceData, kept
from tests.device import DEVICE
from tests.nodes.models import tiny

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML, without marks for what the assistant says."""

WORDS = ("sun", "rain", "snow", "wind", "fog", "hail", "heat", "frost", "storm", "calm")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of a test; weights and what was dequantized stay shared."""
    monkeypatch.setenv("PATCHBAY_CACHE", str(cache_dir()))
    monkeypatch.setenv("PATCHBAY_WEIGHTS", str(weights_dir()))
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of two layers in a folder."""
    return tiny.folder_of(tiny.network(), tmp_path_factory.mktemp("tiny") / "base")


@pytest.fixture
def base(tiny_folder: Path) -> TransformersModel:
    """The same as a description."""
    return TransformersModel(
        weights=str(tiny_folder),
        context=128,
        chat_template=TEMPLATE,
        device=DEVICE,
        dtype="float32",
    )


def row(asked: str, said: str) -> dict[str, object]:
    """A row of one prompt and its answer."""
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
    return {"messages": turns, "learn": "answers"}


def rows(count: int = 10) -> list[dict[str, object]]:
    """Short rows, each another."""
    return [row(f"Is {word} good?", f"the {word}") for word in WORDS[:count]]


@pytest.fixture
def data() -> InstructionData:
    """Those rows, kept."""
    return kept(InstructionData, rows(8), "weather")


@pytest.fixture
def held_out() -> InstructionData:
    """Two more."""
    return kept(InstructionData, rows(10)[8:], "weather, held out")


@pytest.fixture
def pairs() -> PreferenceData:
    """Two answers to each prompt, of which the one that says nothing else is preferred."""
    made = [
        {"prompt": [{"role": "user", "content": f"Is {word} good?"}], "chosen": "the the",
         "rejected": f"{word} no"}
        for word in WORDS
    ]  # fmt: skip
    return kept(PreferenceData, made, "the")
