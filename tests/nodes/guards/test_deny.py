"""Deny list: what must not pass does not, however it is written."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.guards.deny import DenyList
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Message

WORDS = ["secret", "credit card", "pass*", "c++", "Straße"]


def found(text: Any, words: list[str] = WORDS, more: Any = None, **params: Any) -> list[str]:
    carries = "text" if isinstance(text, str) else "messages"
    outputs = run_node(
        DenyList, {"words": words, "carries": carries, **params}, {"text": text, "words": more}
    )
    assert ("refused" in outputs) == bool(outputs["found"])
    assert ("passed" in outputs) != ("refused" in outputs)
    if "passed" in outputs:
        assert outputs["passed"] == text
    return list(outputs["found"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing here", []),
        ("A SECRET!", ["secret"]),
        ("secretary", []),
        ("my credit\n card, please", ["credit card"]),
        ("the passwords", ["pass*"]),
        ("compass", []),
        ("in c++, too", ["c++"]),
        ("ｓｅｃｒｅｔ", ["secret"]),
        ("se\u200bcr\u00adet", ["secret"]),
        ("sécrêt", ["secret"]),
        ("STRASSE 3", ["Straße"]),
        ("secret password", ["secret", "pass*"]),
    ],
)
def test_whole_words(text: str, expected: list[str]):
    assert found(text) == expected


def test_anywhere():
    assert found("secretary", match="anywhere") == ["secret"]
    assert found("a compassionate man", match="anywhere") == ["pass*"]


def test_conversations():
    said = [Message(role="user", content="secret"), Message(role="assistant", content="pass")]
    assert found(said) == ["secret"]
    assert found(said, look_at="last") == ["pass*"]
    assert found(said, look_at="all") == ["secret", "pass*"]
    assert found([Message(role="system", content="secret")]) == []


def test_words_of_a_wire():
    assert found("a frog", [], "toad\n\nfrog\n") == ["frog"]
    assert found("a frog", [], ["frog"]) == ["frog"]
    for wrong in ({"a": 1}, [1], "*", ["x"] * 10_001):
        with pytest.raises(NodeError) as failure:
            found("a", [], wrong)
        assert failure.value.code == "guard/words"


def test_the_message_is_what_was_written():
    outputs = run_node(DenyList, {"words": ["a"], "message": "No."}, {"text": "a"})
    assert outputs == {"refused": "No.", "found": ["a"]}


def test_an_empty_list_lets_everything_pass_and_says_so():
    ctx = RecordingContext()
    run_node(DenyList, {}, {"text": "a"}, ctx)
    assert ctx.warnings == ["The deny list is empty, so everything passes."]


def test_many_stars_take_no_time():
    """A pattern of this kind would keep a regular expression busy for ever."""
    assert found("a" * 20_000, ["a*" * 30 + "b"]) == []


@pytest.mark.parametrize("words", [["*"], [" "], ["\u200b"], ["**"]])
def test_a_word_that_says_nothing_is_refused(words: list[str]):
    with pytest.raises(ValidationError, match="would refuse everything"):
        DenyList.Params(words=words)


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("my,passwords", ["pass*"]),
        ("user=admin;password=x", ["pass*"]),
        ("(pass)word", ["pass*"]),
        ("a/passkey/b", ["pass*"]),
        ("bypass", []),
        ("com-pass", ["pass*"]),
    ],
)
def test_signs_hide_no_word(text: str, hits: list[str]):
    assert found(text) == hits
