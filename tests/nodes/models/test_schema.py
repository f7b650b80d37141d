"""Schemas that are none, answers that do not follow one, and JSON among words."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.asking import judge
from patchbay.nodes.models.lenient_json import json_in
from patchbay.nodes.models.schema import check_schema, faults


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('Here it is:\n~~~\n[1, 2]\n~~~\nAnything else?', [1, 2]),
        ('Sure! {"a": "}"} I hope that helps.', {"a": "}"}),
        ('```\n{"a": "``` inside"}\n```', {"a": "``` inside"}),
        ('"word"', "word"),
        ("7", 7),
    ],
)  # fmt: skip
def test_the_json_in_a_text(text: str, value: Any) -> None:
    assert json_in(text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON: Expecting value"),
        ("No idea.", "not valid JSON"),
        ('{"a": 1', "not valid JSON"),
        ('{"a": {"b": 1}', "not valid JSON"),
        ('```json\n{"a": 1', "not valid JSON"),
        ('{"a": "cut', "Unterminated string (line 1, column 7)"),
        ('{"a": NaN}', "NaN is no JSON"),
        ('{"a": 1}\n{"a": 2}', "2 JSON values"),
        ('{"a": 1, "a": 2}', 'JSON: "a" stands more than once in one object'),
        ('Sure: {"b": [{"a": 1, "a": 1}]}', '"a" stands more than once'),
        ('{"a": "JSON \\ud83d"}', "half a character"),
        ("[" * 100_000, "too deep"),
    ],
)
def test_text_without_one_json_value(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|half") as caught:
        json_in(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("value", "schema", "words"),
    [
        (5, {"maximum": 3}, "5 is greater than the maximum of 3"),
        (0.3, {"multipleOf": 0.1}, ""),
        (0.35, {"multipleOf": 0.1}, "0.35 is not a multiple of 0.1"),
        (True, {"multipleOf": 2}, ""),
        (True, {"type": "integer"}, "True is not of type 'integer'"),
        (1, {"enum": [True]}, "1 is not one of [True]"),
        ("x", {"format": "date"}, "'x' is not a 'date'"),
        ({"a": [{"b": 1}]}, {"properties": {"a": {"items": {"required": ["c"]}}}}, "a[0]: 'c'"),
        ([1, 1.0], {"uniqueItems": True}, "non-unique"),
        ("ab", {"$defs": {"w": {"maxLength": 1}}, "$ref": "#/$defs/w"}, "too long"),
        ([1], {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "null"}]},
         "[0]: 1 is not of type 'null'"),
    ],
)  # fmt: skip
def test_how_a_value_does_not_follow_a_schema(value: Any, schema: Any, words: str) -> None:
    found = faults(value, schema)
    assert words in found if words else found == ""


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "https://example.org/schema.json"}, "nothing is fetched"),
        ({"properties": {"a": {"pattern": "("}}}, "pattern '(' of properties.a"),
        ({"patternProperties": {"[": {}}}, "pattern '['"),
    ],
)
def test_a_schema_that_cannot_be_used_is_found_when_checked(schema: Any, words: str) -> None:
    with pytest.raises(ValueError, match="of") as caught:
        check_schema(schema)
    assert words in str(caught.value)


def test_a_reference_that_leads_nowhere_is_no_fault_of_the_answer() -> None:
    with pytest.raises(NodeError, match="cannot be used") as caught:
        judge("1", {"$ref": "#/$defs/gone"})
    assert caught.value.code == "model/json-schema"
