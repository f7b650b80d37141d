"""An OpenAPI document as data: its parts, wherever they stand in it. No address is opened."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

_MAX_DEPTH = 30
_DEPTHS = (8, 6, 4, 3, 2, 1, 0)
MAX_SCHEMA = 2_000
"""Places of a schema that are told to a model. Types that refer to each other many times over grow
without end when they are put in."""
_KEPT = (
    "type", "enum", "description", "required", "format", "default", "minimum", "maximum", "pattern",
    "nullable",
)  # fmt: skip


class NotOpenApi(ValueError):  # noqa: N818 - it is told as it is
    """A document is no OpenAPI document; the text says why."""


class CannotBeSent(NotOpenApi):
    """An operation takes something that is not JSON."""


def parse(text: str) -> dict[str, Any]:
    """A document, in JSON or YAML.

    Raises:
        NotOpenApi: it is none, or of a version that is not read.
    """
    import yaml  # type: ignore[import-untyped]

    try:
        data = json.loads(text)
    except ValueError:
        try:
            data = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise NotOpenApi(
                f"It is neither JSON nor YAML: {' '.join(str(error).split())[:200]}"
            ) from None
    except RecursionError:
        raise NotOpenApi("It is nested too deeply.") from None
    if not isinstance(data, dict) or not isinstance(data.get("paths"), dict):
        raise NotOpenApi("It has no `paths`.")
    if not str(data.get("openapi", "")).startswith("3."):
        raise NotOpenApi("It is not of OpenAPI 3; convert it first.")
    return data


def as_object(value: Any) -> Mapping[str, Any]:
    """An object of the document; an empty one where something else stands, such as nothing."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """A list of the document; an empty one where something else stands, such as nothing."""
    return value if isinstance(value, list) else []


def followed(data: Mapping[str, Any], value: Any) -> Any:
    """A value, or what it refers to in the same document.

    Raises:
        NotOpenApi: a reference leads nowhere, round in a circle, or out of the document.
    """
    for _ in range(_MAX_DEPTH):
        if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
            return value
        value = _referred(data, value["$ref"])
    raise NotOpenApi("Its references go round in a circle.")


def _referred(data: Mapping[str, Any], ref: str) -> Any:
    if not ref.startswith("#/"):
        raise NotOpenApi(f"The reference {ref[:100]!r} leads out of the document; put it inside.")
    found: Any = data
    for step in ref[2:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or key not in found:
            raise NotOpenApi(f"The reference {ref[:100]!r} leads nowhere.")
        found = found[key]
    return found


class SchemasOf:
    """Schemas of a document with what they refer to put in. Where they go round, or are very large,
    anything is taken further inside.

    Args:
        data: the document.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data, self._left, self._deepest = data, 0, 0

    def inlined(self, schema: Any) -> dict[str, Any]:
        """One schema, as JSON, as deep as there is room for it.

        Raises:
            NotOpenApi: a reference leads nowhere, or out of the document.
        """
        for self._deepest in _DEPTHS:
            self._left = MAX_SCHEMA
            found = self._put_in(schema, 0)
            if self._left >= 0:
                return found
        return {}

    def _put_in(self, schema: Any, depth: int) -> dict[str, Any]:
        schema = followed(self._data, schema)
        self._left -= 1
        if not isinstance(schema, dict) or depth > self._deepest or self._left < 0:
            return {}
        kept: dict[str, Any] = {}
        for key, value in schema.items():
            if key == "properties" and isinstance(value, dict):
                kept[key] = {str(n): self._put_in(one, depth + 1) for n, one in value.items()}
            elif key == "items":
                kept[key] = self._put_in(value, depth + 1)
            elif key in ("allOf", "anyOf", "oneOf") and isinstance(value, list):
                kept[key] = [self._put_in(one, depth + 1) for one in value]
            elif key in _KEPT:
                kept[key] = self._plain(value, 0)
        return kept

    def _plain(self, value: Any, depth: int) -> Any:
        """Any value as JSON: YAML knows dates, sets, and values that stand in many places."""
        self._left -= 1
        if self._left < 0 or depth > _MAX_DEPTH:
            return None
        if isinstance(value, dict):
            return {str(name): self._plain(one, depth + 1) for name, one in value.items()}
        if isinstance(value, list):
            return [self._plain(one, depth + 1) for one in value]
        if value is None or isinstance(value, (str, bool, int)):
            return value
        return value if isinstance(value, float) and math.isfinite(value) else str(value)
