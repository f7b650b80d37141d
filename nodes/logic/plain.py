"""Values of any wire as plain JSON, for lists that collect them."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from patchbay.nodes.errors import NodeError
from patchbay.nodes.values import Spec, Value, is_json, type_in_words


def as_json(value: Any, place: str) -> JsonValue:
    """The JSON form of a value: documents and messages become objects.

    Raises:
        NodeError: it has none (a model, say).
    """
    if isinstance(value, Value) and not isinstance(value, Spec):
        dumped: JsonValue = value.model_dump(mode="json")
        return dumped
    if isinstance(value, list):
        return [as_json(item, place) for item in value]
    if is_json(value):
        plain: JsonValue = value
        return plain
    raise NodeError(
        f"{place} is {type_in_words(value)}, which cannot stand in a list of results.",
        fix="Let the flow give text, a number, JSON, messages or documents.",
        code="flow/not-plain",
        retry=False,
    )
