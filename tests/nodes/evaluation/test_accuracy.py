"""Accuracy: what counts as right, and the figures side by side."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.evaluation.accuracy import Accuracy
from patchbay.nodes.evaluation.interval import wilson
from patchbay.nodes.testing import run_node

LABELS = ["good", "bad", "good", "bad"]


def measured(answers: dict[str, Any], labels: Any = LABELS, **params: Any) -> dict[str, Any]:
    given = {"answers": list(answers), **params}
    return run_node(Accuracy, given, {"labels": labels, **answers})


def test_two_techniques_side_by_side() -> None:
    out = measured(
        {"zero": ["Good.", "it is good", None, "hm"], "few": ["good", "bad", "good", "good"]}
    )
    assert out["table"].columns == (
        "answers", "accuracy", "low", "high", "right", "of", "without a label",
    )  # fmt: skip
    assert out["table"].rows == (
        ("zero", 0.25, *wilson(1, 4), 1, 4, 2),
        ("few", 0.75, *wilson(3, 4), 3, 4, 0),
    )
    assert out["best"] == "few"
    assert (out["chart"].low, out["chart"].high) == ("low", "high")
    assert [row["accuracy"] for row in out["chart"].rows] == [0.25, 0.75]
    assert ("zero", "bad", "(none)", 1) in out["confusion"].rows
    assert ("few", "bad", "good", 1) in out["confusion"].rows
    assert sum(row[-1] for row in out["confusion"].rows) == 8


def test_the_first_label_named_counts() -> None:
    assert measured({"a": ["good, not bad", "bad."]}, ["good", "bad"])["best"] == "a"
    out = measured({"a": ["good, not bad", "good, not bad"]}, ["good", "bad"])
    assert out["table"].rows[0][1] == 0.5


def test_whole_answers() -> None:
    out = measured({"a": ["7", " 8. "]}, [7, 8], match="whole answer")
    assert out["table"].rows[0][1] == 1


def test_cases_stand_beside_their_answers() -> None:
    out = run_node(Accuracy, {"answers": ["a"]}, {"labels": ["x"], "inputs": ["case"], "a": ["x!"]})
    assert out["cases"].columns == ("input", "label", "a")
    assert out["cases"].rows == (("case", "x", "x!"),)


@pytest.mark.parametrize(
    ("inputs", "port"),
    [
        ({"labels": [], "a": []}, "labels"),
        ({"labels": ["x"], "a": []}, "a"),
        ({"labels": "x", "a": ["x"]}, "labels"),
        ({"labels": ["x"], "a": "x"}, "a"),
        ({"labels": ["x"], "a": ["x"], "inputs": []}, "inputs"),
    ],
)
def test_lists_that_do_not_match(inputs: dict[str, Any], port: str) -> None:
    with pytest.raises(NodeError) as caught:
        run_node(Accuracy, {"answers": ["a"]}, inputs)
    assert caught.value.port == port


@pytest.mark.parametrize("names", [["a", "a"], ["labels"], ["inputs"], []])
def test_names_that_cannot_be(names: list[str]) -> None:
    with pytest.raises(ValidationError):
        Accuracy.Params(answers=names)
