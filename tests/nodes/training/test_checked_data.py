"""Programs that say whether an answer is right, and the prompts they belong to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.training.checked_data import CheckedPromptsNode
from patchbay.nodes.training.checking import checked


@pytest.mark.parametrize(
    ("check", "right", "good", "bad"),
    [
        ("same text", "Paris", " paris.", "Paris, France"),
        ("contains", "Paris", "It is Paris, of course", "Lyon"),
        ("same number", "1200.0", "so 1,200 in all", "1200 or 3"),
        ("calculator", "12.0", "3 * 4 = 12", "twelve"),
        ("calculator", "-2.0", "It is −2.", "It is 2."),
        ("calculator", "0.5", "It is .5", "It is 5"),
        ("same number", "4.0", "(3,4)", "34"),
        ("same number", "5.0", "between 3-5", "-5"),
        ("JSON schema", {"type": "object", "required": ["a"]}, '{"a": 1}', '{"b": 1}'),
        ("JSON schema", {"type": "object"}, "Here: {}", "{"),
    ],
)
def test_checks(check: str, right: Any, good: str, bad: str) -> None:
    row = {"check": check, "right": right}
    assert (checked(row, good), checked(row, bad)) == (1.0, 0.0)


@pytest.mark.parametrize(("check", "right"), [("contains", ""), ("same text", " "),
                                              ("contains", "?")])  # fmt: skip
def test_a_right_answer_of_nothing_would_reward_everything(check: str, right: str) -> None:
    given = json.dumps([{"prompt": "a", "answer": "b"}, {"prompt": "c", "answer": right}])
    with pytest.raises(NodeError, match=r"Row 2 holds .*, which is not a text"):
        run_node(CheckedPromptsNode, {"check": check}, {"source": given})
    empty = json.dumps([{"prompt": "a", "answer": "b"}, {"prompt": " ", "answer": right}])
    out = run_node(CheckedPromptsNode, {"check": check}, {"source": empty})
    assert out["data"].rows == 1


def test_prompts_with_a_checker() -> None:
    out = run_node(CheckedPromptsNode, {}, {})
    row = out["data"].read()[0]
    assert row["check"] == "calculator"
    assert checked(row, f"It is {row['right']}") == 1.0
    assert out["data"].rows + out["held_out"].rows == 27
    given = [{"prompt": "a", "answer": "1/0"}, {"prompt": "b", "answer": "2"}]
    with pytest.raises(NodeError, match="Row 1 holds '1/0', which is not an expression"):
        run_node(CheckedPromptsNode, {}, {"source": json.dumps(given)})
    comma = [{"prompt": "a", "answer": "5,47"}]
    with pytest.raises(NodeError, match="Row 1 holds '5,47', which is not a number"):
        run_node(CheckedPromptsNode, {"check": "same number"}, {"source": comma})
    with pytest.raises(NodeError, match="has no 'answer'"):
        run_node(CheckedPromptsNode, {}, {"source": '[{"prompt": "a"}]'})
    ctx = RecordingContext()
    twice = json.dumps([given[1], given[1], {"prompt": "c", "answer": "3"}])
    run_node(CheckedPromptsNode, {}, {"source": twice}, ctx)
    assert "1 records are empty or ask what an earlier one asks; left out." in ctx.warnings
    with pytest.raises(ValidationError, match="needs a schema"):
        CheckedPromptsNode.Params(check="JSON schema")


def test_prompts_that_are_messages() -> None:
    asked = [{"role": "user", "content": "1 + 1?"}]
    out = run_node(
        CheckedPromptsNode,
        {"check": "same number", "held_out": 0, "system": "Count."},
        {"source": [{"prompt": asked, "answer": "2"}, {"prompt": asked, "answer": "2"}]},
    )
    (row,) = out["data"].read()
    assert row["prompt"] == [{"role": "system", "content": "Count."}, *asked]
    assert out["table"].rows[0][0] == "1 + 1?"
