"""Chain of thought: what is asked, and what is taken out of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.techniques.chain_of_thought import ChainOfThought
from patchbay.nodes.values import ModelSpec
from tests.nodes.techniques.conftest import PoolContext
from tests.nodes.techniques.scripted import Scripted

QUESTION = "A baker has 3 trays of 4 rolls and sells 5. How many are left?"


async def think(ctx: PoolContext, model: ModelSpec, question: Any = QUESTION, **params: Any) -> Any:
    inputs = ChainOfThought.Inputs(model=model, question=question)
    return await ChainOfThought().run(inputs, ChainOfThought.Params(**params), ctx)


async def test_zero_shot_asks_to_reason_and_then_for_the_answer(ctx: PoolContext) -> None:
    model = Scripted(replies=("3 * 4 = 12 rolls, minus 5.", "7 rolls."))
    out = await think(ctx, model, answer="number", system="Be exact.")
    assert (out.answer, out.reasoning) == ("7", "3 * 4 = 12 rolls, minus 5.")
    first, second = (said for said, _ in ctx.chat(model).calls)
    asked = ["system: Be exact.", f"human: Q: {QUESTION}\nA: Let's think step by step."]
    assert first == asked
    assert second == [
        *asked,
        "ai: 3 * 4 = 12 rolls, minus 5.",
        "human: Therefore, the answer (arabic numerals) is",
    ]
    assert "".join(piece for _, piece in ctx.streamed) == out.reasoning
    assert {port for port, _ in ctx.streamed} == {"reasoning"}
    assert ctx.completion_tokens == 10


async def test_few_shot_shows_reasoning_and_asks_once(ctx: PoolContext) -> None:
    model = Scripted(replies=("12 - 5 = 7. The answer is 7.",))
    solved = [{"question": "1 + 1?", "reasoning": "One more than one.", "answer": "2"}]
    out = await think(ctx, model, method="few-shot", examples=solved, answer="number")
    assert out.answer == "7"
    assert ctx.chat(model).calls[0][0] == [
        "human: 1 + 1?",
        "ai: One more than one. The answer is 2.",
        f"human: {QUESTION}",
    ]
    assert len(ctx.chat(model).calls) == 1


async def test_an_answer_that_only_the_reasoning_holds_is_taken_from_there(
    ctx: PoolContext,
) -> None:
    out = await think(ctx, Scripted(replies=("So 7.", "as I said")), answer="number")
    assert (out.answer, ctx.warnings) == ("7", [])


async def test_no_answer_is_empty_and_says_so(ctx: PoolContext) -> None:
    out = await think(ctx, Scripted(replies=("hm",)), answer="choice", choices=["yes", "no"])
    assert out.answer == ""
    assert ctx.warnings == ["No choice was found in the answer, so it is empty."]
    (_, second) = ctx.chat(Scripted(replies=("hm",))).calls
    assert second[0][-1] == "human: Therefore, the answer (one of: yes, no) is"


async def test_an_empty_question(ctx: PoolContext) -> None:
    with pytest.raises(NodeError) as caught:
        await think(ctx, Scripted(), question=" ")
    assert caught.value.port == "question"


def test_what_repeats() -> None:
    inputs = ChainOfThought.Inputs(model=Scripted(), question="x")
    assert ChainOfThought.repeatable(ChainOfThought.Params(), inputs)
    assert not ChainOfThought.repeatable(ChainOfThought.Params(seed=None), inputs)
