"""Few-shot: one text and one chat say the same thing."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.prompts.few_shot import FewShot
from patchbay.nodes.testing import run_node

PAIRS = [{"input": "2+2", "output": "4"}, {"input": "3+{3}", "output": "6"}]


def built(**params):
    given = {"instruction": "Add.", "examples": PAIRS, **params}
    return run_node(FewShot, given, {"input": "1+1"})


def test_the_text_ends_where_the_answer_begins():
    assert built()["text"] == (
        "Add.\n\nInput: 2+2\nOutput: 4\n\nInput: 3+{3}\nOutput: 6\n\nInput: 1+1\nOutput:"
    )


def test_the_messages_are_turns_of_a_chat():
    assert [(m.role, m.content) for m in built()["messages"]] == [
        ("system", "Add."),
        ("user", "2+2"),
        ("assistant", "4"),
        ("user", "3+{3}"),
        ("assistant", "6"),
        ("user", "1+1"),
    ]


def test_format_and_separator():
    out = built(format="Q {input} => A {output}!", separator=" | ")
    assert out["text"] == "Add. | Q 2+2 => A 4! | Q 3+{3} => A 6! | Q 1+1 => A"


@pytest.mark.parametrize(("count", "shown"), [(None, 2), (0, 0), (1, 1), (5, 2)])
def test_how_many_examples(count, shown):
    out = built(count=count)
    assert out["text"].count("Output: ") == shown
    assert len(out["messages"]) == 2 + 2 * shown


def test_without_instruction_there_is_no_system_message():
    out = built(instruction="")
    assert out["messages"][0].role == "user"
    assert out["text"].startswith("Input: 2+2")


@pytest.mark.parametrize(
    "layout",
    ["{input}", "{output} {input}", "{input} {input} {output}", "{text} {output}", "{input.x}"],
)
def test_a_format_that_cannot_work(layout):
    with pytest.raises(ValidationError) as caught:
        FewShot.Params(format=layout)
    assert caught.value.errors()[0]["loc"] == ("format",)


def test_a_missing_case_is_an_error():
    with pytest.raises(NodeError) as caught:
        run_node(FewShot, inputs={"input": None})
    assert caught.value.port == "input"


def test_wired_examples_take_the_place_of_the_params():
    wired = [{"input": "5+5", "output": "10"}]
    out = run_node(FewShot, {"examples": PAIRS}, {"input": "1+1", "examples": wired})
    assert [m.content for m in out["messages"]][1:] == ["5+5", "10", "1+1"]


@pytest.mark.parametrize(
    ("wired", "words"),
    [("5+5", "this is text"), ([{"input": "5"}], "output: Field required"), ([3], "valid dict")],
)
def test_wired_examples_that_are_none(wired, words):
    with pytest.raises(NodeError, match=words) as caught:
        run_node(FewShot, {}, {"input": "1+1", "examples": wired})
    assert caught.value.port == "examples"
