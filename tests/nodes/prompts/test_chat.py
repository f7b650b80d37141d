"""Messages: a conversation out of texts, variables and what was said before."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.prompts.chat import BuildMessages
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import Document, Message


def built(turns: list[tuple[str, str]] | None = None, **inputs: Any) -> list[tuple[str, str]]:
    rows = None if turns is None else [{"role": role, "text": text} for role, text in turns]
    outputs = run_node(BuildMessages, {"turns": rows} if rows else {}, inputs)
    return [(message.role, message.content) for message in outputs["messages"]]


SAID = [
    Message(role="system", content="Old rules."),
    Message(role="user", content="I am Ada."),
    Message(role="assistant", content="Hello {Ada}."),
]


def test_a_new_one_has_a_system_text_a_history_and_a_question():
    assert built(question="Who am I?", history=SAID) == [
        ("system", "You are a helpful assistant."),
        ("user", "I am Ada."),
        ("assistant", "Hello {Ada}."),  # what was said is no template
        ("user", "Who am I?"),
    ]
    assert built(question="Who?")[1:] == [("user", "Who?")]


def test_the_history_keeps_its_system_text_where_there_is_no_other():
    assert built([("history", ""), ("user", "{q}")], q="Now?", history=SAID)[0] == (
        "system", "Old rules.",
    )  # fmt: skip


def test_examples_as_turns_and_values_of_other_types():
    turns = [("user", "{{a}} is"), ("assistant", "brace"), ("user", "{docs} / {n}")]
    assert built(turns, docs=[Document(text="one"), Document(text="two")], n=3.0) == [
        ("user", "{a} is"), ("assistant", "brace"), ("user", "one\n\ntwo / 3"),
    ]  # fmt: skip


def test_what_a_value_holds_is_not_filled_again():
    assert built([("user", "{a} {b}")], a="{b}", b="x") == [("user", "{b} x")]


def test_empty_turns_are_left_out_and_an_empty_conversation_fails():
    assert built([("system", "{rules}"), ("user", "{q}")], rules=" ", q="?") == [("user", "?")]
    with pytest.raises(NodeError, match="All turns are empty"):
        built([("user", "{q}")], q="")


def test_ports_follow_the_turns():
    params = BuildMessages.Params.model_validate({"turns": [{"role": "user", "text": "{b} {a}"}]})
    assert list(BuildMessages.input_ports(params).declared) == ["b", "a", "pictures"]
    default = BuildMessages.input_ports(BuildMessages.Params()).declared
    assert not default["history"].required
    strict = BuildMessages.Params(needs_history=True)
    assert BuildMessages.input_ports(strict).declared["history"].required


@pytest.mark.parametrize(
    ("turns", "words"),
    [
        ([{"role": "history"}, {"role": "history"}], "one turn of the role history"),
        ([{"role": "history", "text": "x"}], "no text of its own"),
        ([{"role": "user", "text": "{history}"}], "name of a port"),
        ([{"role": "user", "text": "{a"}], "brace|clos"),
        ([{"role": "boss", "text": "a"}], "Input should be"),
        ([], "at least 1"),
    ],
)
def test_bad_turns_are_refused_in_words(turns: list[Any], words: str):
    with pytest.raises(ValidationError, match=words):
        BuildMessages.Params.model_validate({"turns": turns})
