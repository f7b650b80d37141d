"""Regular expressions in a JSON schema are found, wherever they stand."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.flows.server.core.caller_schemas import pattern_in


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({"type": "string", "pattern": "^a$"}, "^a$"),
        ({"properties": {"a": {"items": {"pattern": ""}}}}, ""),
        ({"$defs": {"b": {"pattern": "b"}}, "$ref": "#/$defs/b"}, "b"),
        ({"anyOf": [{"type": "null"}, {"allOf": [{"pattern": "c"}]}]}, "c"),
        ({"patternProperties": {"^d": {"type": "string"}}}, "^d"),
        ({"if": {"not": {"patternProperties": {"^e": True}}}}, "^e"),
        ({"$ref": "#/hidden/0", "hidden": [{"pattern": "f"}]}, "f"),
        ({"properties": {"pattern": {"type": "string"}}, "required": ["pattern"]}, None),
        ({"type": "string", "enum": ["pattern"], "maxLength": 9}, None),
        ({"patternProperties": {}}, None),
        (True, None),
    ],
)
def test_patterns_are_found_wherever_they_stand(schema: Any, found: str | None) -> None:
    assert pattern_in(schema) == found
