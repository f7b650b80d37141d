"""Last turn: the question apart from what came before."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.prompts.last_turn import LastTurn
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Message

SAID = [
    Message(role="system", content="Be kind."),
    Message(role="user", content="I am Ada."),
    Message(role="assistant", content="Hello."),
    Message(role="user", content="Who am I?"),
]


def taken(messages: list[Message] = SAID, ctx: Any = None, **params: Any) -> dict[str, Any]:
    return run_node(LastTurn, params, {"messages": messages}, ctx)


def test_the_question_and_what_came_before():
    assert taken() == {
        "text": "Who am I?",
        "earlier": SAID[:3],
        "transcript": "System: Be kind.\nUser: I am Ada.\nAssistant: Hello.",
    }


@pytest.mark.parametrize(("keep", "left"), [(0, []), (1, SAID[2:3]), (2, SAID[1:3]), (9, SAID[:3])])
def test_only_the_latest_are_kept(keep: int, left: list[Message]):
    assert taken(keep=keep)["earlier"] == left


def test_the_first_question_has_nothing_before_it():
    assert taken(SAID[1:2]) == {"text": "I am Ada.", "earlier": [], "transcript": ""}


def test_what_follows_is_left_out_with_a_word():
    ctx = RecordingContext()
    assert taken(SAID[:3], ctx)["text"] == "I am Ada."
    assert ctx.warnings == ["1 message follows the last one of the user, and is left out."]
    assert taken(SAID[:3], role="any")["text"] == "Hello."
    assert taken(role="assistant")["earlier"] == SAID[:2]


@pytest.mark.parametrize("messages", [[], SAID[:1]])
def test_there_must_be_one(messages: list[Message]):
    with pytest.raises(NodeError, match="no message of the user") as failure:
        taken(messages)
    assert failure.value.code == "chat/no-turn"
