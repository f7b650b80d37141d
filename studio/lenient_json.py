"""JSON that people type, where plain text will do as well."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.strict_json import parse_json


def parse_lenient(typed: str) -> tuple[Any, str]:
    """What was typed as JSON, or as text where it does not look like JSON. And what is wrong."""
    text = typed.strip()
    if not text:
        return None, ""
    try:
        return parse_json(text), ""
    except ValueError as error:
        if text[0] in '{["':
            return None, f"Not JSON: {error}."
        return typed, ""
