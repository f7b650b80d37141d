"""What pydantic found, in plain words: where in the data, and what it should be instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from patchbay.flows.secret_shapes import JsonPath, secret_kind
from patchbay.flows.wording import listed, printable, quoted

MODEL_NAME = "letters, digits, _ and -, starting with a letter or _, at most 64 characters"


def explain(error: ValidationError, data: Any) -> list[tuple[JsonPath, str]]:
    """Every place in `data` that is wrong, with a phrase that follows its name: `must be text`.

    Alternatives of a union are told together. No value that looks like a secret is repeated.
    """
    found: dict[JsonPath, list[str]] = {}
    for detail in error.errors(include_url=False, include_context=True):
        where = _where(detail["loc"], data, missing=detail["type"] == "missing")
        phrase = _phrase(detail)
        phrases = found.setdefault(where, [])
        if phrase not in phrases:
            phrases.append(phrase)
    return [(where, _together(phrases, _at(data, where))) for where, phrases in found.items()]


def json_place(where: JsonPath) -> str:
    """`nodes[3].params.template`."""
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{printable(part, 40)}"
    return text.lstrip(".") or "The file"


def given(value: Any) -> str:
    """What stands in the data, in words, short and without secrets."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {printable(repr(value), 24)}" if abs(value) < 1e300 else "a huge number"
    if isinstance(value, str):
        return "a text" if secret_kind(value) else f"the text {quoted(value, 40)}"
    if isinstance(value, list):
        return "a list"
    return "an object"


def _where(loc: JsonPath, data: Any, *, missing: bool) -> JsonPath:
    """The part of pydantic's location that exists in the data: unions add names of their own."""
    kept: list[str | int] = []
    current = data
    for index, part in enumerate(loc):
        if _holds(current, part):
            current = current[part]
            kept.append(part)
        elif missing and index == len(loc) - 1:
            kept.append(part)
    return tuple(kept)


def _holds(container: Any, part: str | int) -> bool:
    if isinstance(container, dict):
        return part in container
    return isinstance(container, list) and isinstance(part, int) and part < len(container)


_NOTHING = object()


def _at(data: Any, where: JsonPath) -> Any:
    for part in where:
        if not _holds(data, part):
            return _NOTHING
        data = data[part]
    return data


def _together(phrases: list[str], value: Any) -> str:
    wanted = [phrase.removeprefix("must be ") for phrase in phrases if phrase.startswith("must be")]
    others = [phrase for phrase in phrases if not phrase.startswith("must be")]
    if wanted:
        seen = f", not {given(value)}" if value is not _NOTHING else ""
        others.insert(0, f"must be {' or '.join(wanted)}{seen}")
    return "; ".join(others)


_WANTED: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "none_required": "null",
}

_LIMITS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than_equal": lambda c: f"must be at least {c['ge']}",
    "greater_than": lambda c: f"must be more than {c['gt']}",
    "less_than_equal": lambda c: f"must be at most {c['le']}",
    "less_than": lambda c: f"must be less than {c['lt']}",
    "multiple_of": lambda c: f"must be a multiple of {c['multiple_of']}",
    "string_too_short": lambda c: f"must be {_count(c['min_length'], 'character')} or longer",
    "string_too_long": lambda c: f"must be {_count(c['max_length'], 'character')} or shorter",
    "too_short": lambda c: f"must be {_count(c['min_length'], 'entry', 'entries')} or longer",
    "too_long": lambda c: f"must be {_count(c['max_length'], 'entry', 'entries')} or shorter",
    "literal_error": lambda c: f"must be {_one_of(str(c['expected']))}",
    "enum": lambda c: f"must be {_one_of(str(c['expected']))}",
    "union_tag_invalid": lambda c: f"must be one of {printable(str(c['expected_tags']), 300)}",
}


def _one_of(expected: str) -> str:
    shown = printable(expected, 400)
    return f"one of {shown}" if expected.count("'") > 4 else shown


def _count(number: int, noun: str, many: str = "") -> str:
    return f"{number} {noun if number == 1 else many or noun + 's'}"


def _phrase(detail: Any) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not known here"
    if kind == "value_error":
        return printable(str(context.get("error", detail["msg"])), 300).rstrip(".")
    if kind == "string_pattern_mismatch":
        return _pattern(str(context.get("pattern", "")))
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}"
    if kind in _LIMITS:
        return _LIMITS[kind](context)
    message = printable(str(detail["msg"]), 300).rstrip(".")
    return message.replace("Input should be", "must be", 1)


def _pattern(pattern: str) -> str:
    from patchbay.flows.document import model

    if pattern == model.NAME:
        return f"must be a name ({MODEL_NAME})"
    if r"\." in pattern and pattern.startswith(model.NAME[:-1]):
        return f'must be the end of a wire, "node.port", each a name ({MODEL_NAME})'
    if r"\x00-\x1f" in pattern:
        return "must be one line without control characters"
    return f"must match the pattern {printable(pattern, 100)}"


def choices(names: list[str]) -> str:
    """The names that are known, for a fix."""
    return f"Known are {listed(names, last='and', limit=20)}." if names else "None is known."
