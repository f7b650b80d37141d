"""What a training is thought to take, before it starts."""

from __future__ import annotations

import time
from pathlib import Path

from patchbay.nodes.models.transformers.anatomy import read_folder
from patchbay.nodes.training.measure import estimate
from patchbay.nodes.training.seen_memory import SeenMemory
from patchbay.nodes.training.settings import TrainingParams, TrainingSettings
from patchbay.nodes.training.tokens import RowTokens
from tests.nodes.training.watches import quiet


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


def test_memory_that_is_taken_is_seen() -> None:
    """What was there before does not count."""
    before = bytearray(30_000_000)
    seen = SeenMemory()
    with seen.looking():
        held = bytearray(80_000_000)
        held[::4096] = b"1" * len(held[::4096])
        deadline = time.monotonic() + 60
        while seen.peak < 79_000_000 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert 79_000_000 <= seen.peak < 110_000_000
    assert len(before) < len(held)


def test_after_ten_steps_the_estimate_makes_way_for_what_was_seen() -> None:
    watch = quiet()
    watch.memory.peak = 1_500_000_000
    lines = []
    for step in range(1, 12):
        watch.begin()
        watch.over()
        watch.log(step, 20, {"loss": 1.0})
        lines.append(watch.line(step, 20))
    assert [line.endswith("1.5 GB of memory") for line in lines] == [False] * 9 + [True] * 2
