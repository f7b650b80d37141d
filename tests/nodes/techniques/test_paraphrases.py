"""Paraphrases: one case, several wordings."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.techniques.paraphrases import Paraphrases
from patchbay.nodes.values import ModelSpec
from tests.nodes.retrieval.scripted import Letters
from tests.nodes.techniques.conftest import PoolContext
from tests.nodes.techniques.scripted import Scripted

LABELS = {"answer": "choice", "choices": ["positive", "negative"]}


async def compare(ctx: PoolContext, model: ModelSpec, case: Any, **params: Any) -> Any:
    inputs = Paraphrases.Inputs(model=model, input=case)
    return await Paraphrases().run(inputs, Paraphrases.Params(**{**LABELS, **params}), ctx)


async def test_every_wording_is_asked_and_compared(ctx: PoolContext) -> None:
    model = Scripted(when={"good?": "Positive!", "Mood": "negative", "Label": "It is positive."})
    wordings = ["Is it good? {input}", "Mood of {input}:", "Label {{x}} {input}"]
    out = await compare(ctx, model, "Fine {film}.", wordings=wordings)
    assert (out.answer, out.agreement) == ("positive", pytest.approx(2 / 3))
    assert out.answers == ["positive", "negative", "positive"]
    assert [row[2] for row in out.table.rows] == [True, False, True]
    asked = [said[-1] for said, _ in ctx.chat(model).calls]
    assert asked == [
        "human: Is it good? Fine {film}.", "human: Mood of Fine {film}.:",
        "human: Label {x} Fine {film}.",
    ]  # fmt: skip
    assert len({options["seed"] for _, options in ctx.chat(model).calls}) == 1


@pytest.mark.parametrize("wording", ["no place", "{input} {other}", "{text}"])
def test_a_wording_without_its_place(wording: str) -> None:
    with pytest.raises(ValidationError, match=r"must hold \{input\}"):
        Paraphrases.Params(wordings=[wording])


async def test_free_texts_agree_by_meaning(ctx: PoolContext) -> None:
    model = Scripted(when={"A": "It floats on.", "B": "On it floats!", "C": "It sinks, zzz."})
    params = Paraphrases.Params(
        wordings=["A {input}", "B {input}", "C {input}"], compare="meaning", threshold=0.95
    )
    inputs = Paraphrases.input_ports(params)(model=model, input="ice", embeddings=Letters())
    out = await Paraphrases().run(inputs, params, ctx)
    assert out.agreement == pytest.approx(2 / 3)
    assert [row[2] for row in out.table.rows] == [True, True, False]
    assert out.table.columns == ("wording", "answer", "agrees", "text", "likeness")
    assert "cosine ≥ 0.95" in (out.table.title or "")
