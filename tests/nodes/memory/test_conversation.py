"""What of a long conversation a model gets to read, by each strategy."""

from __future__ import annotations

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.memory.conversation import ConversationMemory
from patchbay.nodes.models.counting import Counter
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.testing import RecordingContext, ScriptedModel, run_node
from patchbay.nodes.values import Message
from tests.nodes.memory.colours import Colours

HEAD = Message(role="system", content="Be brief.")


def said(turns: int, question: str = "now?") -> list[Message]:
    past = [
        Message(role=role, content=f"{word}{n}")
        for n in range(1, turns + 1)
        for role, word in (("user", "q"), ("assistant", "a"))
    ]
    return [HEAD, *past, Message(role="user", content=question)]


def words(messages: list[Message]) -> str:
    return " ".join(message.content for message in messages)


def test_the_newest_turns_stay_whole_and_the_system_text_and_question_always() -> None:
    found = run_node(ConversationMemory, {"turns": 2}, {"messages": said(5)})
    assert words(found["messages"]) == "Be brief. q4 a4 q5 a5 now?"
    assert found["about"] == "2 of 5 past turns kept."
    none = run_node(ConversationMemory, {"turns": 0}, {"messages": said(5)})
    assert words(none["messages"]) == "Be brief. now?"


def test_two_messages_of_one_speaker_are_one_turn() -> None:
    messages = [
        Message(role="user", content="a"), Message(role="user", content="b"),
        Message(role="tool", content="t"), Message(role="assistant", content="c"),
        Message(role="user", content="d"),
    ]  # fmt: skip
    found = run_node(ConversationMemory, {"turns": 1}, {"messages": messages})
    assert words(found["messages"]) == "a b t c d"


@pytest.mark.parametrize("messages", [[], [HEAD], [Message(role="user", content=" \n")]])
def test_a_conversation_without_a_question_is_refused(messages: list[Message]) -> None:
    with pytest.raises(NodeError) as error:
        run_node(ConversationMemory, {}, {"messages": messages})
    assert error.value.code == "memory/empty"


def test_an_unknown_tokenizer_is_estimated_and_said() -> None:
    ctx = RecordingContext()
    params = {"strategy": "token budget", "tokens": 30}
    found = run_node(ConversationMemory, params, {"messages": said(5)}, ctx)
    # "assistant\na5" is 12 letters, 3 tokens and 4 around it; "user\nq5" 6; the rest 7 + 4, 7 + ...
    assert found["about"].endswith("estimated at 4 characters a token.")
    assert "the tokenizer is unknown, since no model is wired" in ctx.warnings[0]
    ctx = RecordingContext()
    model = ScriptedModel(lines=())
    run_node(ConversationMemory, params, {"messages": said(5), "model": model}, ctx)
    assert "since chat model/scripted shows none" in ctx.warnings[0]


def test_a_budget_keeps_whole_turns_and_says_when_the_question_is_more() -> None:
    params = {"strategy": "token budget", "tokens": 35}
    found = run_node(ConversationMemory, params, {"messages": said(5)})
    assert words(found["messages"]) == "Be brief. q5 a5 now?"
    ctx = RecordingContext()
    found = run_node(ConversationMemory, params, {"messages": said(2, "x" * 400)}, ctx)
    assert words(found["messages"]) == f"Be brief. {'x' * 400}"
    assert "the budget is 35" in ctx.warnings[-1]


async def test_the_models_own_tokenizer_counts() -> None:
    ctx = RecordingContext()
    spec = GgufModel(weights="smollm2-135m-instruct", context=256)
    async with ctx.use(spec) as model:
        counter = Counter(model, "smollm2")
        assert counter.exact
        assert model.tokens_in("Hello there, how are you?") == 7
        assert model.tokens_in("") <= 1
        assert model.tokens_in("word " * 2000) >= 256, "more than any request holds"
        asked = [Message(role="user", content="Hello there, how are you?")]
        assert await counter.of(asked, ctx) == model.tokens_in(f"user\n{asked[0].content}") + 4


def test_what_falls_out_is_summarized_once() -> None:
    ScriptedModel.asked.clear()
    model = ScriptedModel(lines=(("q1(?s:.*)q2", "ONE-TWO"), ("ONE-TWO(?s:.*)q3", "ONE-THREE")))
    ctx = RecordingContext()
    params = {"strategy": "summary", "turns": 1}
    inputs = {"messages": said(3), "model": model}
    found = run_node(ConversationMemory, params, inputs, ctx)
    assert [m.content for m in found["messages"]] == [
        "Be brief.\n\nSummary of what was said before:\nONE-TWO", "q3", "a3", "now?",
    ]  # fmt: skip
    found = run_node(ConversationMemory, params, inputs | {"messages": said(4)}, ctx)
    assert "ONE-THREE" in found["messages"][0].content
    assert found["about"] == "1 of 4 past turns kept, 3 in the summary."
    assert len(ScriptedModel.asked) == 2
    assert "q1" not in ScriptedModel.asked[1][0], "what was summarized is not read again"
    changed = [HEAD, Message(role="user", content="q1!"), *said(4)[2:]]
    run_node(ConversationMemory, params, inputs | {"messages": changed}, ctx)
    assert "q1!" in ScriptedModel.asked[2][0], "of another conversation nothing is taken over"


def test_an_empty_summary_is_said() -> None:
    with pytest.raises(NodeError) as error:
        run_node(
            ConversationMemory,
            {"strategy": "summary", "turns": 0},
            {"messages": said(1), "model": ScriptedModel(lines=())},
        )
    assert error.value.code == "memory/no-summary"


def test_older_turns_are_recalled_by_meaning() -> None:
    messages = [
        Message(role=role, content=text)
        for text in ("red?", "green?", "blue?", "red again?")
        for role, text in (("user", text), ("assistant", f"About {text}"))
    ]
    messages.append(Message(role="user", content="What of green?"))
    got = run_node(
        ConversationMemory,
        {"strategy": "recall", "turns": 1, "recalled": 1},
        {"messages": messages, "embeddings": Colours()},
    )
    head, *rest = got["messages"]
    assert head.content == "Earlier in this conversation:\nuser: green?\nassistant: About green?"
    assert [m.content for m in rest] == ["red again?", "About red again?", "What of green?"]
