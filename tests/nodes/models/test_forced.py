"""What of a JSON Schema a grammar forces: each keyword, with texts that it must not let through."""

from __future__ import annotations

import json
from typing import Any

import llguidance
import pytest

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.doubts import unforced
from patchbay.nodes.models.forced import forced
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.schema import faults
from patchbay.nodes.models.transformers.spec import TransformersModel

TOKENIZER = llguidance.LLTokenizer("byte")

Schema = dict[str, Any]


def number(**limits: Any) -> Schema:
    return {"type": "number", **limits}


def text(**limits: Any) -> Schema:
    return {"type": "string", **limits}


def thing(**limits: Any) -> Schema:
    return {"type": "object", **limits}


def things(**limits: Any) -> Schema:
    return {"type": "array", **limits}


A, B = {"a": {"type": "integer"}}, {"b": {"type": "integer"}}

FORCED = [
    (number(minimum=0, maximum=1), 0.5, [1234567890, -1, 1.5]),
    (number(exclusiveMinimum=0), 0.1, [0, -2]),
    ({"type": "integer", "multipleOf": 5}, 15, [7, 12]),
    (number(multipleOf=0.5), 1.5, [1.2]),
    (thing(minProperties=2, maxProperties=3), {"a": 1, "b": 2}, [{"a": 1}]),
    (thing(required=["a"]), {"a": 1}, [{}, {"b": 1}]),
    (thing(anyOf=[{"properties": A}, {"properties": B}], required=["a"]), {"a": 1}, [{"b": 1}]),
    ({"$defs": {"w": text()}, "$ref": "#/$defs/w", "maxLength": 3}, "abc", ["abcd"]),
    (text(pattern=r"^\d{3}$"), "123", ["12", "abc"]),
    (text(pattern=r"^a\/b$"), "a/b", ["a_b"]),
    (text(pattern="foo"), "a foo b", ["bar"]),
    (text(minLength=2, maxLength=3), "ab", ["a", "abcd"]),
    (text(format="date"), "2026-11-28", ["today"]),
    (things(items={"type": "integer"}, minItems=1, maxItems=2), [1], [[], [1, 2, 3], ["a"]]),
    (things(prefixItems=[text()], items=False), ["a"], [["a", 1], [1]]),
    ({"enum": ["a", 1, None]}, "a", ["b", 2]),
    ({"const": 3}, 3, [4]),
    ({"allOf": [thing(properties=A), {"required": ["a"]}]}, {"a": 1}, [{}, {"a": "x"}]),
    ({"oneOf": [text(), {"type": "integer"}]}, "a", [None, True]),
    (thing(properties=A, additionalProperties=False), {"a": 1}, [{"c": 1}]),
    (thing(patternProperties={"^x": text()}, additionalProperties=False), {"x1": "a"}, [{"y": 1}]),
    (thing(properties={"a": number(maximum=3)}, required=["a"]), {"a": 3}, [{"a": 4}]),
]

LEFT_OUT = [
    (things(contains={"type": "integer"}), "contains", ["a"]),
    (things(uniqueItems=True), "uniqueItems", [1, 1]),
    ({"not": text()}, "not", "a"),
    (thing(dependentRequired={"a": ["b"]}), "dependentRequired", {"a": 1}),
    ({"if": text(), "then": {"maxLength": 1}}, "if", "ab"),
    (thing(propertyNames={"maxLength": 1}), "propertyNames", {"ab": 1}),
    (thing(properties=A, minProperties=1), "minProperties", {}),
    ({"type": "integer", "minimum": -(10**30), "maximum": 10**30}, "all but that it is JSON", "a"),
    (thing(unevaluatedProperties=False), "unevaluatedProperties", {"a": 1}),
    (text(pattern=r"\bfoo\b"), r"pattern '\\bfoo\\b'", "foot"),
    (text(pattern="^(?=a).*$"), "pattern '^(?=a).*$'", "b"),
    (text(pattern="(a)\\1"), "pattern '(a)\\\\1'", "ab"),
    ({"oneOf": [number(), {"type": "integer"}]}, "oneOf (that no other part fits as well)", 1),
]


def takes(schema: Schema, value: Any) -> bool:
    """Whether a grammar lets a text through."""
    grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(forced(schema).schema))
    matcher = llguidance.LLMatcher(TOKENIZER, grammar)
    assert not matcher.is_error(), matcher.get_error()
    tokens = TOKENIZER.tokenize_str(json.dumps(value))
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())


@pytest.mark.parametrize(("schema", "good", "bad"), FORCED, ids=lambda part: json.dumps(part)[:60])
def test_a_grammar_forces_it(schema: Schema, good: Any, bad: list[Any]) -> None:
    assert forced(schema).left_out == ()
    assert takes(schema, good)
    assert faults(good, schema) == ""
    for value in bad:
        assert not takes(schema, value)
        assert faults(value, schema)


@pytest.mark.parametrize(("schema", "said", "bad"), LEFT_OUT, ids=[case[1] for case in LEFT_OUT])
def test_what_a_grammar_cannot_force_is_said_and_checked(
    schema: Schema, said: str, bad: Any
) -> None:
    assert any(part.startswith(said) for part in forced(schema).left_out)
    assert takes(schema, bad)
    assert faults(bad, schema)
    for model in (GgufModel(), TransformersModel()):
        assert model.unforced(schema) == forced(schema).left_out


def test_the_place_of_what_is_left_out_is_named() -> None:
    inner = thing(properties={"tags": things(uniqueItems=True), "day": text(format="week")})
    schema = thing(properties={"people": things(items=inner)})
    assert forced(schema).left_out == (
        "uniqueItems of people.items.tags",
        "format 'week' of people.items.day",
    )


def test_the_rest_of_a_schema_with_such_a_part_is_forced_all_the_same() -> None:
    schema = thing(properties={"a": things(uniqueItems=True, items=number(maximum=3))})
    assert takes(schema, {"a": [1, 1]})
    assert not takes(schema, {"a": [4]})


@pytest.mark.parametrize(
    "schema",
    [{"type": "integer", "minimum": 5, "maximum": 3}, {"$ref": "#/$defs/gone"}, {"enum": []}],
    ids=json.dumps,
)
def test_a_schema_that_nothing_follows_is_refused(schema: Schema) -> None:
    with pytest.raises(NodeError) as caught:
        unforced(schema)
    assert caught.value.code == "model/json-schema"


@pytest.mark.parametrize(
    "branches",
    [
        [{"properties": {"k": {"const": "a"}}, "required": ["k"]},
         {"properties": {"k": {"enum": ["b", "c"]}}, "required": ["k"]}],
        [text(), number(), {"type": ["null", "boolean"]}],
    ],
)  # fmt: skip
def test_branches_that_never_fit_together_are_forced(branches: list[Schema]) -> None:
    assert forced({"oneOf": branches}).left_out == ()


def test_objects_have_no_more_properties_than_are_named() -> None:
    inner = thing(properties={"x": text()})
    referred = {"$defs": {"i": inner}, "$ref": "#/$defs/i"}
    outer = thing(properties={"in": inner})
    for schema, good in ((inner, {"x": "a"}), (referred, {"x": "a"}), (outer, {"in": {"x": "a"}})):
        assert forced(schema).left_out == ()
        assert takes(schema, good)
        assert not takes(schema, {"more": 1})
    assert takes(thing(properties={"x": text()}, additionalProperties=True), {"more": 1})


@pytest.mark.parametrize(
    "schema",
    [
        thing(properties={"x": text()}, allOf=[{"properties": B}]),
        thing(properties={"x": text()}, required=["x", "b"]),
        thing(properties={"x": text()}, required=["x"], minProperties=2),
        {"$defs": {"o": thing(properties={"x": text()})}, "$ref": "#/$defs/o", "required": ["b"]},
        thing(properties={"x": text()}, anyOf=[{"required": ["b"]}, {"required": ["c"]}]),
    ],
)
def test_but_for_those_that_are_described_in_several_places(schema: Schema) -> None:
    assert forced(schema).impossible == ""
    assert takes(schema, {"x": "a", "b": 1})
