"""The node *Choose*: what it asks, what it gives, what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.people.choose import Choose
from patchbay.nodes.testing import RecordingContext, run_node


def test_choose() -> None:
    ctx = RecordingContext(answers=["later", "B"])
    assert run_node(Choose, {}, {}, ctx)["choice"] == "later"
    given = {"options": ["A", " B ", "A"]}
    assert run_node(Choose, {}, given, ctx)["choice"] == "B"
    assert ctx.questions[1].wants.options == ("A", "B")  # type: ignore[union-attr]


@pytest.mark.parametrize("options", [[], {}, ["a", 1], "a, b", [""]])
def test_choices_that_are_none(options: Any) -> None:
    with pytest.raises(NodeError) as caught:
        run_node(Choose, {}, {"options": options})
    assert caught.value.code == "people/choices"
    assert caught.value.port == "options"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"options": ["a", "a "]}, "the same"),
        ({"options": ["a", ""]}, "needs words"),
        ({"options": ["a"], "when_late": "b"}, "none of the options"),
    ],
)
def test_params_of_choose_that_make_no_sense(params: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Choose.Params(**params)


def test_a_late_choice_that_is_not_among_those_given() -> None:
    with pytest.raises(NodeError, match="none of the choices"):
        run_node(Choose, {"options": ["a"], "when_late": "a"}, {"options": ["b"]})
