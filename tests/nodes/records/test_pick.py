"""Pick: several values out of JSON, each of its type."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.records.pick import Pick
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import Document, Message, Table

VALUE = {"user": {"name": "Ada", "a/b": 1}, "items": [{"price": "3.5"}, {"price": 4}], "none": None}


def picked(value: Any = VALUE, missing: str = "fail", **fields: Any) -> dict[str, Any]:
    rows = [
        {"name": name, "pointer": field} if isinstance(field, str) else {"name": name, **field}
        for name, field in fields.items()
    ]
    return run_node(Pick, {"fields": rows, "missing": missing}, {"json": value})


def test_several_at_once_each_of_its_type():
    assert picked(
        name="/user/name",
        first={"pointer": "/items/0/price", "gives": "number"},
        second={"pointer": "/items/1/price"},
        slash={"pointer": "/user/a~1b", "gives": "json"},
        all={"pointer": "/items", "gives": "json"},
        nothing="/none",
    ) == {
        "name": "Ada", "first": 3.5, "second": "4", "slash": 1, "all": VALUE["items"],
        "nothing": "",
    }  # fmt: skip


def test_documents_messages_and_tables():
    assert picked([Document(text="a", metadata={"p": 2})], text="/0/metadata/p") == {"text": "2"}
    assert picked([Message(role="user", content="hi")], text="/0/content") == {"text": "hi"}
    table = Table(columns=("a", "b"), rows=((1, 2), (3, 4)))
    assert picked(table, x={"pointer": "/1/b", "gives": "number"}) == {"x": 4}


def test_a_default_stands_in_and_what_lacks_may_be_left_out():
    assert picked(a={"pointer": "/x", "default": 5, "gives": "number"}) == {"a": 5}
    assert picked(a="/x", b="/user/name", missing="leave out") == {"b": "Ada"}


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("/user/age", 'At /user there are the keys "name", "a/b"'),
        ("/items/2", "At /items there is a list of 2 items"),
        ("/items/00", "At /items there is a list of 2 items"),
        ("/user/name/first", "At /user/name there is text"),
        ("/nobody", 'The value has the keys "user", "items", "none"'),
    ],
)
def test_where_nothing_is_it_says_what_there_is(pointer: str, words: str):
    with pytest.raises(NodeError) as failure:
        picked(a=pointer)
    assert failure.value.code == "pick/nothing-there"
    assert words in failure.value.message


@pytest.mark.parametrize("pointer", ["/user/name", "/items", "/none", "/user"])
def test_what_is_no_number_is_refused(pointer: str):
    with pytest.raises(NodeError, match='"a" is to be a number'):
        picked(a={"pointer": pointer, "gives": "number"})


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", "1,5", ""])
def test_texts_that_only_python_takes_for_numbers(text: str):
    with pytest.raises(NodeError, match="is to be a number"):
        picked({"x": text}, a={"pointer": "/x", "gives": "number"})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([{"name": "a"}, {"name": "a"}], "two fields"),
        ([{"name": "a", "pointer": "x"}], "starts with /"),
        ([{"name": "a", "pointer": "/~2"}], "~0"),
        ([{"name": "a", "gives": "code"}], "Input should be"),
        ([], "at least 1"),
    ],
)
def test_bad_settings_are_refused_in_words(fields: list[Any], words: str):
    with pytest.raises(ValidationError, match=words):
        Pick.Params.model_validate({"fields": fields})
