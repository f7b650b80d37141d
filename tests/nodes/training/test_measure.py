"""What a training is thought to take, before it starts."""

from __future__ import annotations

from pathlib import Path

from patchbay.nodes.models.transformers.anatomy import read_folder
from patchbay.nodes.training.measure import estimate
from patchbay.nodes.training.settings import TrainingParams, TrainingSettings
from patchbay.nodes.training.tokens import RowTokens


def activations(folder: Path, length: int, **params: object) -> int:
    made = read_folder(folder)
    assert made is not None
    row = RowTokens(ids=(1,) * length, learned=(True,) * length)
    chosen = TrainingParams.model_validate({"batch": 2, **params})
    settings = TrainingSettings(kind="supervised", params=chosen)
    return estimate(made, settings, [row]).activations


def test_checkpointing_takes_less_but_the_scores_of_all_tokens_stay(tiny_folder: Path) -> None:
    made = read_folder(tiny_folder)
    assert made is not None
    scores = 2 * 400 * made.vocabulary * 4
    kept = activations(tiny_folder, 400, checkpointing=True)
    assert kept >= 3 * scores
    assert activations(tiny_folder, 800, checkpointing=True) == 2 * kept


def test_rows_twice_as_long_take_twice_as_much(tiny_folder: Path) -> None:
    assert activations(tiny_folder, 800) == 2 * activations(tiny_folder, 400)
    assert activations(tiny_folder, 400, batch=4) == 2 * activations(tiny_folder, 400)
