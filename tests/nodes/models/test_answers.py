"""How an answer ended, whatever backend gave it: a plugin's model says it as LangChain's do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.errors import NodeError
from patchbay.nodes.memory.conversation import ConversationMemory
from patchbay.nodes.models.asking import ask
from patchbay.nodes.techniques.routes import choose
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Message
from tests.nodes.techniques.scripted import Scripted

HI = [Message(role="user", content="Hi")]


@pytest.mark.parametrize(
    ("ends", "code"),
    [("content_filter", "model/filtered"), ("SAFETY", "model/filtered"),
     ("refusal", "model/refusal"), ("abort", "model/broke-off"), ("error", "model/broke-off")],
)  # fmt: skip
async def test_what_is_no_answer_is_none(ends: str, code: str) -> None:
    with pytest.raises(NodeError, match="scripted") as caught:
        await ask(RecordingContext(), Scripted(replies=("Half an",), ends=ends), HI, CallOptions())
    assert caught.value.code == code
    assert "Half an" in caught.value.message


@pytest.mark.parametrize(
    ("ends", "cut", "words"),
    [("", False, "red or blue"), ("stop", False, "red or blue"), ("length", True, "red or"),
     ("MAX_TOKENS", True, "red or"), ("eos_token", False, "red or blue")],
)  # fmt: skip
async def test_the_last_word_of_what_was_cut_may_be_half(ends: str, cut: bool, words: str) -> None:
    model = Scripted(replies=("red or blue",), ends=ends)
    answer = await ask(RecordingContext(), model, HI, CallOptions())
    assert (answer.cut, answer.whole_words, answer.text) == (cut, words, "red or blue")


async def chosen(model: Scripted, ways: dict[str, str], ctx: RecordingContext) -> str:
    return await choose(ctx, model, "How much is it?", ways, SimpleNamespace(instructions=""))


async def test_a_way_is_not_chosen_by_half_its_name() -> None:
    """ "bill" of "billing" is another way."""
    ways = {"bill": "", "billing": ""}
    ctx = RecordingContext()
    assert await chosen(Scripted(replies=("bill",), ends="stop"), ways, ctx) == "bill"
    with pytest.raises(NodeError, match="none of the ways"):
        await chosen(Scripted(replies=("bill",), ends="length"), ways, ctx)
    long = Scripted(replies=("billing since the customer wr",), ends="length")
    assert await chosen(long, ways, ctx) == "billing"


def test_half_a_summary_is_not_built_on() -> None:
    ctx = RecordingContext()
    turns = [Message(role=r, content=f"{r} {n}") for n in range(3) for r in ("user", "assistant")]
    inputs = {"messages": [*turns, Message(role="user", content="now?")]}
    params = {"strategy": "summary", "turns": 1}
    for ends, summaries in (("length", 0), ("stop", 1), ("stop", 1)):
        model = Scripted(replies=("They talked about",), ends=ends)
        found = run_node(ConversationMemory, params, inputs | {"model": model}, ctx)
        assert "They talked about" in found["messages"][0].content
        assert len(ctx.memory.summaries) == summaries  # type: ignore[attr-defined]
    assert any("cut at the limit" in warning for warning in ctx.warnings)
