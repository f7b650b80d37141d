"""The node `llama_index.chat`, over the real LlamaIndex."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.llama_index.chat import ChatEngine
from patchbay.nodes.retrieval.answer_node import NOTHING
from patchbay.nodes.testing import RecordingContext, ScriptedModel, run_node
from patchbay.nodes.values import Message
from tests.nodes.llama_index.sources import Shelf

SHELF = Shelf(texts=("In winter the ferry rests.",))
TALK = [
    Message(role="user", content="When does the ferry run?"),
    Message(role="assistant", content="From April."),
    Message(role="user", content="And in winter?"),
]


def chat(messages: Any, ctx: RecordingContext | None = None, **params: Any) -> dict[str, Any]:
    Shelf.asked.clear()
    ScriptedModel.asked.clear()
    lines = (
        ("standalone|rephrase|Follow", "Does the ferry run in winter?"), ("", "It rests."),
    )  # fmt: skip
    given = {"messages": messages, "model": ScriptedModel(lines=lines), "retriever": SHELF}
    given |= {name: params.pop(name) for name in tuple(params) if name in given}
    return run_node(ChatEngine, {"max_tokens": 30, **params}, given, ctx)


def test_a_question_that_leans_on_the_talk_is_rewritten_first() -> None:
    ctx = RecordingContext()
    out = chat(TALK, ctx)
    assert Shelf.asked == [("shelf", "Does the ferry run in winter?")]
    assert out["text"] == "It rests."
    assert out["documents"][0].text == "In winter the ferry rests."
    assert ctx.streamed == [("text", "It rests.")]
    assert "From April." in ScriptedModel.asked[0][0]


def test_a_first_question_is_searched_for_as_it_is() -> None:
    assert chat("When does it rest?")["text"] == "It rests."
    assert Shelf.asked == [("shelf", "When does it rest?")]
    assert len(ScriptedModel.asked) == 1


@pytest.mark.parametrize("messages", ["", "  ", [], TALK[:2]])
def test_a_conversation_without_a_question_is_said(messages: Any) -> None:
    with pytest.raises(NodeError, match="does not end with a message of the user"):
        chat(messages)


def test_where_nothing_was_found_it_says_so() -> None:
    out = chat("When does it rest?", retriever=Shelf(texts=()))
    assert out["text"] == NOTHING
    assert ScriptedModel.asked == []


def test_an_empty_answer_is_said_and_stays_empty() -> None:
    ctx = RecordingContext()
    out = chat("When does it rest?", ctx, model=ScriptedModel(lines=(("", ""),)))
    assert out["text"] == ""
    assert ctx.warnings == ["The model gave an empty answer."]
