"""What becomes of rows in a training is said before it begins, and again where it is found."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.training.base import reader_of
from patchbay.nodes.training.datasets import (
    CheckedPrompts,
    DataSet,
    InstructionData,
    PreferenceData,
    kept,
)
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.preference import Preference
from patchbay.nodes.training.reinforce import Reinforce
from patchbay.nodes.training.reward import Reward
from patchbay.nodes.training.row_notes import RowNotes
from patchbay.nodes.training.settings import TrainingParams, TrainingSettings
from patchbay.nodes.training.supervised_node import TrainSupervised
from patchbay.nodes.weights.refs import quiet
from tests.nodes.training.conftest import row, rows

LONG = "w " * 80


def pair(asked: str, chosen: str, rejected: str) -> dict[str, Any]:
    prompt = [{"role": "user", "content": asked}]
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


PAIRS = [pair("a", "b", "c"), pair(LONG, "b", "c"), pair("a", LONG, "c"),
         pair("d", f"{LONG}b", f"{LONG}c")]  # fmt: skip
OF_PAIRS = [
    "Of 4 rows to train on 1 is left out: no word of an answer is within 64 tokens.",
    "Of 4 rows to train on 1 is longer than 64 tokens; the end of an answer is cut off.",
    "Of 4 rows to train on 1 says nothing: within 64 tokens both answers are the same.",
]


@pytest.mark.parametrize(
    ("recipe", "data", "more", "said"),
    [
        (Preference(), (PreferenceData, PAIRS), {"beta": 0.1}, OF_PAIRS),
        (Reward(), (PreferenceData, PAIRS), {}, OF_PAIRS),
        (
            Reinforce(None),
            (CheckedPrompts, [pair("a", "", ""), pair(LONG, "", ""), pair(LONG, "", "")]),
            {"answer": 16},
            ["Of 3 rows to train on 2 are left out: beside 64 tokens there is no room for an "
             "answer."],
        ),
    ],
    ids=["preference", "reward", "reinforce"],
)  # fmt: skip
def test_every_training_counts_them(
    recipe: Any, data: tuple[type[DataSet], list[Any]], more: dict[str, Any], said: list[str],
    base: TransformersModel,
) -> None:  # fmt: skip
    settings = TrainingSettings(kind="preference", params=TrainingParams(limit=64), more=more)
    job = Job(base, kept(*data), None, settings)
    notes = RowNotes()
    recipe.rows(job, job.data, reader_of(base, quiet), notes)
    assert notes.sentences(64, "to train on") == said


def test_they_are_said_and_scripts_take_as_many_steps(
    base: TransformersModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps are counted by the rows that are left: two epochs of five rows, not of seven."""
    call = {"type": "function", "function": {"name": "add", "arguments": {}}}
    called = row("Is it?", "yes")
    called["messages"][1]["tool_calls"] = [call]  # type: ignore[index]
    lines = [*rows(3), called, row(LONG, "no"), row("long", LONG), row(f"{LONG} too", "no")]
    data, held = kept(InstructionData, lines), kept(InstructionData, [*rows(1), row("x", LONG)])
    given = {"model": base, "data": data, "held_out": held}
    params = {"batch": 2, "limit": 64, "epochs": 2, "rate": 1e-2}
    for _ in range(2):  # what was trained before says it, too
        ctx = RecordingContext()
        out = run_node(TrainSupervised, params, given, ctx)
        assert sorted(ctx.warnings) == [
            "Of 2 rows held out 1 is longer than 64 tokens; the end of an answer is cut off.",
            "Of 7 rows to train on 1 has a tool call that the model's chat template does not "
            "write.",
            "Of 7 rows to train on 1 is longer than 64 tokens; the end of an answer is cut off.",
            "Of 7 rows to train on 2 are left out: no word of an answer is within 64 tokens.",
        ]
    ours = [point["loss"] for point in out["curve"].rows]
    assert len(ours) == 6
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop.py").write_text(out["loop"])
    assert runpy.run_path("loop.py")["losses"] == pytest.approx(ours, abs=1e-5)
