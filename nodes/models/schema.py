"""Whether something looks like a JSON Schema. Enough to catch a slip of the hand."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_DEPTH = 50


def check_schema(schema: JsonValue, where: str = "the schema", depth: int = _DEPTH) -> None:
    """Check that a value can be a JSON Schema.

    Raises:
        ValueError: it cannot, and where.
    """
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise ValueError(f"{where} must be an object, such as {{'type': 'object'}}")
    if depth == 0:
        raise ValueError(f"{where} is nested too deep")
    _check_type(schema.get("type"), where)
    _check_lists(schema, where)
    for key in ("properties", "$defs", "definitions", "patternProperties"):
        inner = schema.get(key, {})
        if not isinstance(inner, dict):
            raise ValueError(f"{key} of {where} must be an object")
        for name, part in inner.items():
            check_schema(part, f"{key}.{name}", depth - 1)
    for key in ("items", "additionalProperties", "not"):
        if key in schema:
            check_schema(schema[key], f"{key} of {where}", depth - 1)
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        parts = schema.get(key, [])
        if not isinstance(parts, list):
            raise ValueError(f"{key} of {where} must be a list")
        for part in parts:
            check_schema(part, f"{key} of {where}", depth - 1)


def _check_type(given: JsonValue, where: str) -> None:
    names = given if isinstance(given, list) else [] if given is None else [given]
    for name in names:
        if name not in TYPES:
            raise ValueError(f"the type of {where} is {name!r}; it must be one of {_listed()}")


def _check_lists(schema: Mapping[str, JsonValue], where: str) -> None:
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise ValueError(f"required of {where} must be a list of names")
    if not isinstance(schema.get("enum", []), list):
        raise ValueError(f"enum of {where} must be a list")


def _listed() -> str:
    return ", ".join(TYPES)
