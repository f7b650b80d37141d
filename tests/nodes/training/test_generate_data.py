"""Rows that a model writes: what is kept, what is left out, and that they repeat."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.testing import RecordingContext, ScriptedModel, run_node
from patchbay.nodes.training.generate_data import GenerateData, examples_of
from patchbay.nodes.training.instruction_data import InstructionDataNode
from patchbay.nodes.training.twins import rouge_l, words_of

SEEDS = ["How do I mend a tyre?", "Which lock is safe enough?", "Why do my brakes squeal so?"]


def model(*lines: tuple[str, str]) -> ScriptedModel:
    ScriptedModel.asked.clear()
    return ScriptedModel(lines=lines)


def made(writer: ScriptedModel, ctx: RecordingContext | None = None, **params: Any) -> Any:
    given = {"model": writer, "examples": SEEDS}
    return run_node(GenerateData, {"count": 3, **params}, given, ctx)


def test_rows_are_written_answered_and_become_instruction_data() -> None:
    # One example is shown at a time, so what is written depends on which one was drawn.
    writer = model(
        ("- How do I mend", "- Where can I buy a new inner tube today?"),
        ("- Which lock", "'Do you sell lights that last all night?'"),
        ("- Why do my", "May I leave my old bicycle with you?\nAnd another one."),
        ("inner tube", "Here, for six euros."), ("lights", "Yes."), ("leave my", "You may."),
    )  # fmt: skip
    out = made(writer, shown=1, tries=10)
    rows = {row["prompt"]: row["answer"] for row in out["records"]}
    assert rows == {
        "Where can I buy a new inner tube today?": "Here, for six euros.",
        "Do you sell lights that last all night?": "Yes.",
        "May I leave my old bicycle with you?": "You may.",
    }
    report = dict(out["report"].rows)
    assert report["kept"] == 3
    assert report["written"] == 3 + report.get("twins", 0)
    data = run_node(InstructionDataNode, {"held_out": 0}, {"source": out["records"]})
    assert data["data"].rows == 3
    seeds = [options.get("seed") for _, options in ScriptedModel.asked]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "6 empty"), ("Too short", "6 too short"),
        ("which LOCK is safe enough", "6 twins"),
        (" ".join(["word"] * 200), "6 too long"),
    ],
)  # fmt: skip
def test_what_is_left_out_is_said(said: str, why: str) -> None:
    with pytest.raises(NodeError, match=why) as caught:
        made(model(("bicycle", said)), count=2)
    assert caught.value.port == "model"


def test_a_row_without_an_answer_is_left_out() -> None:
    writer = model(("one more", "Is this a question at all?"))
    with pytest.raises(NodeError, match="1 without an answer"):
        made(writer, count=1, tries=1)
    out = made(writer, count=1, answer="")
    assert out["records"] == [{"prompt": "Is this a question at all?"}]


def test_rows_that_have_come_about_are_kept_if_the_run_is_stopped() -> None:
    ctx = RecordingContext()
    made(model(("one more", "Is this a question at all?")), ctx, count=1, answer="")
    assert ctx.come_about is not None
    kept = ctx.come_about()
    assert kept["records"] == [{"prompt": "Is this a question at all?"}]
    assert kept["table"].rows == (("Is this a question at all?",),)


def test_fewer_rows_than_wanted_are_a_warning() -> None:
    ctx = RecordingContext()
    out = made(model(("", "Is this a question at all?")), ctx)
    assert len(out["records"]) == 1
    assert ctx.warnings == ["1 of 3 rows came about: 8 twins."]


@pytest.mark.parametrize("params", [{"ask": "{other}"}, {"answer": "{examples}"}])
def test_a_variable_that_nobody_fills(params: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="knows only"):
        GenerateData.Params(**params)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("a b c d", "a b c d", 1.0), ("a b c d", "a x c y", 0.5), ("", "a", 0.0),
        ("The cat, sat!", "the CAT sat", 1.0), ("a b c", "c b a", 1 / 3),
    ],
)  # fmt: skip
def test_the_longest_common_run(one: str, other: str, share: float) -> None:
    assert rouge_l(words_of(one), words_of(other)) == pytest.approx(share)


def test_examples_may_be_conversations() -> None:
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which oil?"}]
    given = [{"prompt": asked}, {"prompt": None}, {"prompt": "Why so?"}]
    assert examples_of(given) == ["Which oil?", "Why so?"]
