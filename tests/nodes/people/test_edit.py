"""The node *Edit*: what it asks, what it gives, what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.nodes.errors import Suspended
from patchbay.nodes.figures import Table
from patchbay.nodes.people.edit import Edit
from patchbay.nodes.testing import RecordingContext, run_node

TABLE = Table(columns=("n", "word"), rows=((1, "one"), (2, "two")))


@pytest.mark.parametrize(
    ("of", "before", "after"),
    [
        ("text", "teh", "the"),
        ("text", "x", ""),
        ("json", {"a": 1}, {"a": [1, None]}),
        ("json", {"a": 1}, None),
        ("table", TABLE, Table(columns=("n",), rows=((3,),))),
    ],
)
def test_edit(of: str, before: Any, after: Any) -> None:
    ctx = RecordingContext(answers=[after])
    assert run_node(Edit, {"of": of}, {"value": before}, ctx) == {"value": after}
    assert ctx.questions[0].value == before


def test_a_table_may_be_given_as_rows() -> None:
    rows = [{"n": 1, "word": "one"}, {"n": 2}]
    ctx = RecordingContext(answers=[rows])
    edited = run_node(Edit, {"of": "table"}, {"value": TABLE}, ctx)["value"]
    assert edited == Table(columns=("n", "word"), rows=((1, "one"), (2, None)))


@pytest.mark.parametrize(
    ("of", "answer", "words"),
    [
        ("text", 3, "wants a text, not number"),
        ("text", None, "not nothing"),
        ("json", float("nan"), "wants JSON"),
        ("table", "a,b", "a list of objects"),
        ("table", [1, 2], "a list of objects"),
        ("table", {"columns": ["a"], "rows": [[1, 2]]}, "2 cells for 1 columns"),
    ],
)
def test_edits_of_another_type(of: str, answer: Any, words: str) -> None:
    value = TABLE if of == "table" else "x"
    with pytest.raises(ValueError, match=words):
        run_node(Edit, {"of": of}, {"value": value}, RecordingContext(answers=[answer]))


def test_edit_takes_it_as_it_is_when_it_is_late() -> None:
    ctx = RecordingContext()
    with pytest.raises(Suspended):
        run_node(Edit, {"when_late": "as it is"}, {"value": "x"}, ctx)
    assert ctx.questions[0].default == "x"
