"""JSON Schemas: whether something looks like one, and whether a value follows one.

What an answer must follow is JSON Schema 2020-12, or the draft that `$schema` names; `format` is
checked where the standard library can. A reference leads nowhere but into the schema itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, JsonValue

TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_DEPTH = 50
_MOST_FAULTS = 3


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
    _check_reference(schema.get("$ref"), where)
    _check_patterns(schema, where)
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


def _check_reference(given: JsonValue, where: str) -> None:
    if given is not None and not (isinstance(given, str) and given.startswith("#")):
        raise ValueError(f"$ref of {where} must begin with #: nothing is fetched from elsewhere")


def _checked(schema: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
    if schema is not None:
        check_schema(schema)
    return schema


SchemaOrNone = Annotated[dict[str, JsonValue] | None, AfterValidator(_checked)]
"""A param that is a JSON Schema, or nothing."""


def _check_patterns(schema: Mapping[str, JsonValue], where: str) -> None:
    patterns = schema.get("patternProperties")
    given = [schema.get("pattern"), *(patterns if isinstance(patterns, dict) else ())]
    for pattern in given:
        try:
            re.compile(pattern if isinstance(pattern, str) else "")
        except re.error as error:
            raise ValueError(
                f"the pattern {pattern!r} of {where} cannot be read: {error}"
            ) from None


def _listed() -> str:
    return ", ".join(TYPES)


# --- whether a value follows one ------------------------------------------------------------------


def faults(value: JsonValue, schema: Mapping[str, JsonValue]) -> str:
    """What of a value does not follow a schema, in words for a model; empty where it follows.

    Raises:
        ValueError: the schema itself is wrong, such as a reference that leads nowhere.
    """
    import jsonschema
    import referencing.exceptions
    from jsonschema.validators import validator_for

    base = validator_for(schema, default=jsonschema.Draft202012Validator)
    validator = _exact(base)(schema, format_checker=base.FORMAT_CHECKER)
    unusable = (referencing.exceptions.Unresolvable, re.error, RecursionError)
    try:
        found = sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.path)))
    except unusable as error:
        raise ValueError(f"The JSON schema cannot be used: {error}") from error
    lines = [f"{_place(error.absolute_path)}{error.message[:300]}" for error in found]
    more = [f"({len(lines) - _MOST_FAULTS} more)"] if len(lines) > _MOST_FAULTS else []
    return "\n".join([*lines[:_MOST_FAULTS], *more])


@cache
def _exact(base: Any) -> Any:
    """A validator with which 0.3 is a multiple of 0.1, as it is in decimal figures."""
    from jsonschema import validators

    return validators.extend(base, {"multipleOf": _multiple_of})


def _multiple_of(_: Any, step: Any, value: Any, __: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    try:
        rest = Decimal(str(value)) % Decimal(str(step))
    except InvalidOperation:  # more figures than can be computed with
        return
    if rest:
        yield ValidationError(f"{value!r} is not a multiple of {step}")


def _place(path: Any) -> str:
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return f"{steps.lstrip('.')}: " if steps else ""
