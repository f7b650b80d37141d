"""JSON that is written as a text with expressions in it, read without filling anything in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_MARK = re.compile("\ue000(\\d{1,6})\ue001")
MAX_EXPRESSIONS = 2000


def json_with(
    text: str,
    expression: re.Pattern[str] | None,
    inside: Callable[[str], str],
    alone: Callable[[str], Any],
) -> Any:
    """The JSON of a text.

    Args:
        text: the text.
        expression: what an expression looks like, with its words as the first group.
        inside: what stands for an expression inside a text of the JSON.
        alone: likewise where it is a value of its own.

    Raises:
        ValueError: it is no JSON.
    """
    if "\ue000" in text or "\ue001" in text:
        raise ValueError("it holds characters of private use")
    made: dict[str, Any] = {}
    if expression is not None:
        text = _marked(text, expression, inside, alone, made)
    try:
        return _filled(json.loads(text), made)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _marked(
    text: str,
    expression: re.Pattern[str],
    inside: Callable[[str], str],
    alone: Callable[[str], Any],
    made: dict[str, Any],
) -> str:
    """The text with a mark for each expression."""
    parts: list[str] = []
    quoted, at = False, 0
    for match in expression.finditer(text):
        parts.append(text[at : match.start()])
        quoted = _is_quoted(parts[-1], quoted)
        mark = f"\ue000{len(made)}\ue001"
        if len(made) >= MAX_EXPRESSIONS:
            raise ValueError("it holds too many expressions")
        made[mark] = inside(match[1].strip()) if quoted else alone(match[1].strip())
        parts.append(mark if quoted else f'"{mark}"')
        at = match.end()
    return "".join([*parts, text[at:]])


def _is_quoted(text: str, quoted: bool) -> bool:
    """Whether a text of JSON ends inside of quotes, where it began inside or outside of them."""
    skip = False
    for char in text:
        if skip:
            skip = False
        elif char == "\\":
            skip = quoted
        elif char == '"':
            quoted = not quoted
    return quoted


def _filled(value: Any, made: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {_words(key, made): _filled(inner, made) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, made) for inner in value]
    if not isinstance(value, str):
        return value
    return made[value] if value in made else _words(value, made)


def _words(text: str, made: Mapping[str, Any]) -> str:
    return _MARK.sub(lambda match: str(made.get(match[0], "")), text)
