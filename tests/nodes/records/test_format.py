"""Format records: a template for each of them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.records.format import FormatRecords
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import Document, Message, Table

PEOPLE = [{"name": "Ada", "Unit price": 3.0}, {"name": "{name}", "Unit price": None}]


def written(records: Any, template: str, **params: Any) -> str:
    outputs = run_node(FormatRecords, {"template": template, **params}, {"records": records})
    assert len(outputs["texts"]) >= 1 or outputs["text"] == ""
    return str(outputs["text"])


def test_fields_numbers_and_names_that_are_no_words():
    assert written(PEOPLE, "{number}. {name}: {Unit_price}") == "1. Ada: 3\n2. {name}: "
    assert written(PEOPLE[:1], "{{x}} {name}") == "{x} Ada"
    assert written(PEOPLE, "{name}", separator="\\n--\\n") == "Ada\n--\n{name}"


def test_a_record_may_call_a_field_number_or_item():
    assert written([{"number": "No. 7"}], "{number}") == "No. 7"
    assert written(["a", 2.5, None], "{number}={item}") == "1=a\n2=2.5\n3="


def test_tables_documents_messages_and_one_object():
    assert written(Table(columns=("a", "b"), rows=((1, "x"),)), "{b}{a}") == "x1"
    document = Document(text="Bees", metadata={"source": "bees.md"}, score=0.5)
    assert written([document], "{source}: {text} ({score})") == "bees.md: Bees (0.5)"
    assert written([Message(role="user", content="hi")], "{role}: {content}") == "user: hi"
    assert written({"a": 1}, "{a}") == "1"
    assert written([], "{a}") == ""


def test_a_field_that_lacks_is_named_or_left_empty():
    with pytest.raises(NodeError) as failure:
        written([{"a": 1}, {"b": 2}], "{a}")
    assert failure.value.message == "Record 2 of 2 has no field {a}. Its fields are: b."
    assert written([{"a": 1}, {"b": 2}], "{a}", missing="leave empty") == "1\n"


@pytest.mark.parametrize("value", ["text", 3, True, None])
def test_what_is_no_list_is_refused(value: Any):
    with pytest.raises(NodeError, match='"records" takes a list'):
        written(value, "{item}")


@pytest.mark.parametrize("template", ["", "{a", "{a.b}", "{0}"])
def test_bad_templates_are_refused(template: str):
    with pytest.raises(ValidationError):
        FormatRecords.Params(template=template)
