"""Self-consistency: samples differ, the vote repeats."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.models.asking import derived_seed
from patchbay.nodes.techniques.self_consistency import SelfConsistency
from patchbay.nodes.values import Message, ModelSpec
from tests.nodes.retrieval.scripted import Letters
from tests.nodes.techniques.conftest import PoolContext
from tests.nodes.techniques.scripted import Scripted

SUFFIX = SelfConsistency.Params().suffix


async def sample(ctx: PoolContext, model: ModelSpec, prompt: Any = "Q", **params: Any) -> Any:
    inputs = SelfConsistency.Inputs(model=model, prompt=prompt)
    return await SelfConsistency().run(inputs, SelfConsistency.Params(**params), ctx)


async def test_the_answer_given_most_often_wins(ctx: PoolContext) -> None:
    replies = ("The answer is 7.", "The answer is 9.", "12-5=7", "hm", "The answer is 7")
    out = await sample(ctx, Scripted(replies=replies), answer="number")
    assert (out.answer, out.agreement) == ("7", 0.6)
    assert out.answers == ["7", "9", "7", None, "7"]
    assert out.table.rows[1] == (2, "9", "outvoted", "The answer is 9.")
    assert out.chart.rows == (
        {"answer": "7", "votes": 3},
        {"answer": "9", "votes": 1},
        {"answer": "(none)", "votes": 1},
    )
    assert ctx.warnings == ["1 of 5 answers hold no number and did not vote."]
    assert ctx.streamed == []
    assert ctx.progressed[-1] == ("samples", 5, 5)


async def test_each_sample_has_its_own_seed(ctx: PoolContext) -> None:
    model = Scripted()
    await sample(ctx, model, samples=3, seed=5, stop=["\n"])
    options = [options for _, options in ctx.chat(model).calls]
    expected = [derived_seed(5, number, "user: Q\n" + SUFFIX) for number in range(3)]
    assert [o["seed"] for o in options] == expected
    assert {o["temperature"] for o in options} == {0.7}
    assert all(o["stop"] == ["\n"] for o in options)


async def test_the_suffix_goes_to_the_end_of_the_prompt(ctx: PoolContext) -> None:
    model = Scripted()
    chat = [Message(role="assistant", content="Hello"), Message(role="user", content="Why?")]
    await sample(ctx, model, chat, samples=1, suffix="Think.", system="Be kind.")
    assert ctx.chat(model).calls[0][0] == ["system: Be kind.", "ai: Hello", "human: Why?\nThink."]


async def test_no_answer_at_all(ctx: PoolContext) -> None:
    out = await sample(ctx, Scripted(replies=("hm",)), samples=2, answer="number")
    assert (out.answer, out.agreement) == ("", 0)
    assert ctx.warnings == ["None of the 2 answers holds a number; the answer is empty."]


async def test_free_texts_agree_by_meaning(ctx: PoolContext) -> None:
    replies = ("It floats, as ice is light.", "Ice is light, so it floats.", "The wind does it.")
    model = Scripted(replies=replies)
    by_words = await sample(ctx, model, samples=3)
    assert by_words.agreement == pytest.approx(1 / 3)
    params = SelfConsistency.Params(samples=3, compare="meaning", threshold=0.9)
    inputs = SelfConsistency.input_ports(params)(
        model=Scripted(replies=replies, fails=""), prompt="Q?", embeddings=Letters()
    )
    out = await SelfConsistency().run(inputs, params, PoolContext())
    assert out.agreement == pytest.approx(2 / 3)
    assert f"{out.answer}." in replies[:2]
    assert out.table.title == "67% of 3 samples agree, by meaning (cosine ≥ 0.9)"
    assert out.table.columns[-1] == "likeness"
    assert [row[2] for row in out.table.rows] == ["won", "won", "outvoted"]


def test_embeddings_are_asked_for_only_by_meaning() -> None:
    assert "embeddings" not in SelfConsistency.input_ports(SelfConsistency.Params()).declared
    needed = SelfConsistency.input_ports(SelfConsistency.Params(compare="meaning")).declared
    assert needed["embeddings"].required
    with pytest.raises(ValidationError, match="a number is compared as it is"):
        SelfConsistency.Params(compare="meaning", answer="number")
