#!/usr/bin/env bash
# Guess: an answer that is held to a JSON schema is valid by that schema, or the schema is refused.
# What happens: `allOf` is read as one after the other: of two objects with a property each the model must write both objects in a
# row, which is no JSON, and the object that has both properties is impossible. `minimum`, `maximum`, `multipleOf`,
# `uniqueItems` and `minProperties` are passed over. Nothing is said of either.
# Seen with outlines-core 0.2.14 on 2026-11-30.
# Why it matters: `allOf` is what OpenAPI documents and schemas of classes with a base class are made of, and ratings of 1 to 5
# live by their bounds. "Guaranteed" output fails where it is parsed, or is a rating of 700. Merge `allOf` first, and check after.
source "$(dirname "$0")/_env.sh"
packages 'outlines-core==0.2.14' 'jsonschema==4.26.0'
"$PY" - <<'PY'
import json
import re
from importlib.metadata import version

from jsonschema import Draft202012Validator
from outlines_core.json_schema import build_regex_from_schema


def has(name):
    return {"type": "object", "properties": {name: {"type": "integer"}}, "required": [name]}


def valid(text, schema):
    try:
        return Draft202012Validator(schema).is_valid(json.loads(text))
    except json.JSONDecodeError:
        return None


numbers = {"type": "array", "items": {"type": "integer"}}
cases = [
    ({"allOf": [has("a"), has("b")]}, '{"a":1,"b":2}', True, False),
    ({"allOf": [has("a"), has("b")]}, '{"a":1}{"b":2}', None, True),
    ({"type": "integer", "minimum": 1, "maximum": 5}, "700", False, True),
    ({"type": "integer", "multipleOf": 5}, "7", False, True),
    ({**numbers, "uniqueItems": True}, "[1,1]", False, True),
    ({**has("a"), "required": [], "minProperties": 1}, "{}", False, True),
    ({**numbers, "minItems": 2}, "[1]", False, False),
]
print("outlines-core", version("outlines-core"))
same = True
for schema, text, is_valid, may_be_written in cases:
    allowed = bool(re.fullmatch(build_regex_from_schema(json.dumps(schema)), text))
    said = {True: "valid", False: "not valid", None: "no JSON"}[valid(text, schema)]
    print(f"{json.dumps(schema)}\n    {text}: {said}, {'can' if allowed else 'cannot'} be written")
    same = same and (valid(text, schema), allowed) == (is_valid, may_be_written)
raise SystemExit(0 if same else 1)
PY
