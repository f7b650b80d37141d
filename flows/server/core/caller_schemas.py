"""What a JSON schema of a caller may not have: regular expressions."""

from __future__ import annotations

from pydantic import JsonValue


def pattern_in(schema: JsonValue) -> str | None:
    """A regular expression that a schema has answers searched for; None where it has none.

    A reference may lead to any part of a schema, so every part is looked at. A property may be
    called "pattern": what stands there is a schema, not a text.
    """
    parts = [schema]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            if isinstance(found := part.get("pattern"), str):
                return found
            if isinstance(found := part.get("patternProperties"), dict) and found:
                return next(iter(found))
            parts += part.values()
        elif isinstance(part, list):
            parts += part
    return None
