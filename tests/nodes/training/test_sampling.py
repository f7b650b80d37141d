"""Answers on the way: asked at the right steps, kept, and without any effect on the numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.training.base import reader_of
from patchbay.nodes.training.datasets import InstructionData, PreferenceData, kept
from patchbay.nodes.training.doing import train
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.preference_node import TrainPreference
from patchbay.nodes.training.sampling import TOKENS, prompts_of
from patchbay.nodes.training.settings import TrainingParams, TrainingSettings
from patchbay.nodes.training.supervised import Supervised
from patchbay.nodes.training.supervised_node import TrainSupervised
from tests.nodes.training.long import long_training
from tests.nodes.training.watches import Killed, dying, quiet

QUICK: dict[str, Any] = {"steps": 6, "batch": 2, "limit": 128, "rate": 1e-2, "keep_every": 2}


def trained(kind: Any, base: Any, data: Any, held: Any = None, **params: Any) -> tuple[Any, Any]:
    ctx = RecordingContext()
    inputs = {"model": base, "data": data, "held_out": held}
    return run_node(kind, {**QUICK, **params}, inputs, ctx), ctx


def losses(out: Any) -> list[float]:
    return [point["loss"] for point in out["curve"].rows]


def test_supervised_training_asks_and_its_numbers_stay_the_same(
    base: TransformersModel, data: InstructionData, held_out: InstructionData
) -> None:
    plain, _ = trained(TrainSupervised, base, data, held_out, dropout=0.1)
    assert plain["samples"].rows == ()
    out, ctx = trained(TrainSupervised, base, data, held_out, dropout=0.1, sample_every=4)
    assert losses(out) == losses(plain)
    rows = out["samples"].rows
    assert [row[0] for row in rows] == [0, 0, 4, 4, 6, 6]
    assert {row[1] for row in rows} == {"Is storm good?", "Is calm good?"}, "those held out"
    assert rows[-1][2] != rows[1][2], "what it says has changed"
    assert [text for what, text, _ in ctx.steps if what == "answer"][-1].startswith("Step 6. Is")
    report = dict(out["report"].rows)
    assert report["answer, step 6"] == f"{rows[-1][1]} → {rows[-1][2]}"
    # It is found again with its answers.
    again, _ = trained(TrainSupervised, base, data, held_out, dropout=0.1, sample_every=4)
    assert again["samples"] == out["samples"]


@long_training
def test_what_stands_before_the_prompt_is_asked_as_it_is_trained(
    base: TransformersModel, data: InstructionData
) -> None:
    out, _ = trained(TrainSupervised, base, data, method="prefix tuning", sample_every=3, rate=0.1)
    assert [row[0] for row in out["samples"].rows] == [0, 0, 3, 3, 6, 6]
    first, *_, last = [row[2] for row in out["samples"].rows]
    assert first != last


@long_training
def test_preference_training_asks(base: TransformersModel, pairs: PreferenceData) -> None:
    plain, _ = trained(TrainPreference, base, pairs)
    out, _ = trained(TrainPreference, base, pairs, sample_every=3)
    assert losses(out) == losses(plain)
    assert [row[0] for row in out["samples"].rows] == [0, 0, 3, 3, 6, 6]
    assert [row[1] for row in out["samples"].rows[:2]] == ["Is sun good?", "Is rain good?"]


@long_training
def test_a_killed_training_keeps_its_answers(
    base: TransformersModel, data: InstructionData, tmp_path: Path
) -> None:
    settings = TrainingSettings(
        kind="supervised", params=TrainingParams(**QUICK), more={"sample_every": 2}
    )
    job = Job(base, data, None, settings)
    whole = train(job, quiet(), Supervised())
    job.place.folder.rename(tmp_path / "moved")
    with pytest.raises(Killed):
        train(job, dying(5), Supervised())
    again = train(job, quiet(), Supervised())
    assert [one["step"] for one in again["samples"]] == [0, 0, 2, 2, 4, 4, 6, 6]
    assert again["samples"] == whole["samples"]


def test_prompts_that_leave_no_room_and_rows_without_an_answer(base: TransformersModel) -> None:
    def said(*turns: tuple[str, str]) -> dict[str, Any]:
        return {"messages": [{"role": role, "content": text} for role, text in turns]}

    data = kept(
        InstructionData,
        [
            said(("user", "long " * 200), ("assistant", "no")),
            said(("user", "One?"), ("assistant", "1"), ("user", "Two?"), ("assistant", "2")),
            said(("user", "Only asked")),
            said(("user", "Three?"), ("assistant", "3")),
        ],
        "odd",
    )
    reader = reader_of(base, lambda *_: None)
    found = prompts_of(data, reader, 64 + TOKENS)
    assert [one.text for one in found] == ["Two?", "Only asked"]
    assert "1" in reader.tokenizer.decode(found[0].ids), "it hears what was said before"
    assert prompts_of(data, reader, TOKENS) == []
