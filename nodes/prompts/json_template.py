"""JSON with `{variables}` in its texts. Values never change the shape; nothing is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.errors import NodeError
from patchbay.nodes.logic.plain import as_json
from patchbay.nodes.prompts.braces import Variable, check, fill, parse
from patchbay.nodes.values import as_text


def json_texts(value: JsonValue) -> Iterator[str]:
    """The texts of a JSON value, each checked as a template.

    Raises:
        ValueError: one is none.
    """
    if isinstance(value, str):
        yield check(value)
    elif isinstance(value, list):
        for item in value:
            yield from json_texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from json_texts(item)


def fill_json(value: JsonValue, values: Mapping[str, Any]) -> JsonValue:
    """A JSON value with its variables filled in; a text that is one variable becomes its value."""
    if isinstance(value, list):
        return [fill_json(item, values) for item in value]
    if isinstance(value, dict):
        return {key: fill_json(item, values) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    pieces = parse(value)
    if len(pieces) == 1 and isinstance(pieces[0], Variable):
        return _plain(values[pieces[0].name])
    return fill(value, lambda name: as_text(values[name]))


def _plain(value: Any) -> JsonValue:
    try:
        return as_json(value, "A value of the body")
    except NodeError:
        return as_text(value)
