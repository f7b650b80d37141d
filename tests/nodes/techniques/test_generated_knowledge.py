"""Generated knowledge: statements, answers with each, and which one is believed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.techniques.generated_knowledge import GeneratedKnowledge
from patchbay.nodes.values import ModelSpec
from tests.nodes.retrieval.scripted import Letters
from tests.nodes.techniques.conftest import PoolContext
from tests.nodes.techniques.scripted import Scripted

QUESTION = "Can penguins fly?"
YES_NO = {"answer": "choice", "choices": ["yes", "no"]}


async def know(ctx: PoolContext, model: ModelSpec, **params: Any) -> Any:
    inputs = GeneratedKnowledge.Inputs(model=model, question=QUESTION)
    given = {**YES_NO, **params}
    return await GeneratedKnowledge().run(inputs, GeneratedKnowledge.Params(**given), ctx)


async def test_the_answer_that_most_statements_lead_to(ctx: PoolContext) -> None:
    model = Scripted(
        replies=("Wings are short.", "Birds have wings.", "Penguins swim."),
        when={"Wings are short.": "No.", "Birds have wings.": "Yes.", "Penguins swim.": "no"},
    )
    out = await know(ctx, model, without=False)
    assert (out.answer, out.knowledge) == ("no", "Wings are short.")
    assert out.table.rows == (
        ("Wings are short.", "no", 1.0, "chosen"),
        ("Birds have wings.", "yes", 1.0, "outvoted"),
        ("Penguins swim.", "no", 1.0, "agrees"),
    )
    said = [messages for messages, _ in ctx.chat(model).calls]
    assert said[0][0] == "system: Write one short fact that helps to answer the question."
    assert said[0][-1] == f"human: {QUESTION}"
    assert said[3] == [f"human: Wings are short.\n\n{QUESTION}"]


async def test_without_knowledge_is_a_candidate_too(ctx: PoolContext) -> None:
    model = Scripted(replies=("They swim.",), when={"They swim.": "no"})
    out = await know(ctx, model, statements=2)
    # Both statements are alike, so they count once; the one without knowledge stands last.
    assert [(row[0], row[3]) for row in out.table.rows] == [
        ("They swim.", "chosen"), ("They swim.", "same as row 1"), ("(without)", "no answer"),
    ]  # fmt: skip
    assert ctx.chat(model).calls[-1][0] == [f"human: {QUESTION}"]


async def test_the_surest_statement(ctx: PoolContext) -> None:
    replies = ("First.", "Second.", "yes", "no", "yes", "no", "no", "no")
    out = await know(
        ctx, Scripted(replies=replies), statements=2, samples=3, without=False,
        choose="most confident",
    )  # fmt: skip
    assert (out.answer, out.knowledge) == ("no", "Second.")
    assert [row[2] for row in out.table.rows] == [pytest.approx(2 / 3), 1.0]


async def test_every_statement_has_a_row_with_its_fate(ctx: PoolContext) -> None:
    model = Scripted(
        replies=("Wings are short.", "", "wings are short", "Birds fly.", "Hm."),
        when={"Wings are short.": "no", "Birds fly.": "yes", "Hm.": "maybe"},
    )
    out = await know(ctx, model, statements=5, without=False)
    assert [row[3] for row in out.table.rows] == [
        "chosen", "empty", "same as row 1", "outvoted", "no answer",
    ]  # fmt: skip
    assert len(ctx.chat(model).calls) == 5 + 3


async def test_no_statement_at_all(ctx: PoolContext) -> None:
    with pytest.raises(NodeError, match="no knowledge: all of 2 statements are empty"):
        await know(ctx, Scripted(replies=("",)), statements=2, without=False)
    out = await know(ctx, Scripted(replies=("", "", "no")), statements=2)
    fates = [row[3] for row in out.table.rows]
    assert (out.answer, fates) == ("no", ["empty", "empty", "chosen"])


async def test_no_answer(ctx: PoolContext) -> None:
    out = await know(ctx, Scripted(replies=("hm",)), statements=1)
    assert out.answer == ""
    assert "None of the 2 answers" in ctx.warnings[0]


def test_a_template_without_its_places() -> None:
    with pytest.raises(ValidationError, match=r"must hold \{knowledge\} and \{question\}"):
        GeneratedKnowledge.Params(template="{question}")


async def test_free_answers_agree_by_meaning(ctx: PoolContext) -> None:
    model = Scripted(
        replies=("One.", "Two.", "Three."),
        when={"One.": "It floats, as ice is light.", "Two.": "The wind does it.",
              "Three.": "Ice is light, so it floats."},
    )  # fmt: skip
    given = {"answer": "text", "without": False}
    by_words = await know(ctx, model, **given)
    assert [row[3] for row in by_words.table.rows].count("agrees") == 0
    params = GeneratedKnowledge.Params(compare="meaning", threshold=0.9, **given)
    inputs = GeneratedKnowledge.input_ports(params)(
        model=model, question=QUESTION, embeddings=Letters()
    )
    out = await GeneratedKnowledge().run(inputs, params, PoolContext())
    assert [row[3] for row in out.table.rows] == ["chosen", "outvoted", "agrees"]
    assert out.table.title == "Answers with generated knowledge, by meaning (cosine ≥ 0.9)"
    assert [row["votes"] for row in out.chart.rows] == [2, 1]
