"""The tests that a branch may make: a fixed table of pure functions. Nothing is evaluated."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Literal

from patchbay.nodes.data import is_number
from patchbay.nodes.errors import NodeError
from patchbay.nodes.logic.pointer import MISSING
from patchbay.nodes.values import Document, Message, as_text, type_in_words

Test = Literal[
    "is empty", "is not empty", "equals", "does not equal", "contains", "does not contain",
    "starts with", "ends with", "is one of", "longer than", "shorter than",
    "<", "<=", ">", ">=", "between", "has key",
]  # fmt: skip
"""Every test there is."""

WITHOUT_OPERAND: frozenset[str] = frozenset({"is empty", "is not empty"})
NUMERIC: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TEXTUAL: frozenset[str] = frozenset(
    {"contains", "does not contain", "starts with", "ends with", "has key"}
)
LENGTH: frozenset[str] = frozenset({"longer than", "shorter than"})


def check_operand(test: Test, operand: Any) -> str:
    """Why an operand does not fit a test, or an empty text when it does."""
    if test in NUMERIC and not is_number(operand):
        return f"{test} compares with a number"
    if test in LENGTH and not (is_number(operand) and operand >= 0):
        return f"{test} compares with a number that is not negative"
    if test in TEXTUAL and not isinstance(operand, str):
        return f"{test} compares with a text"
    if test == "is one of" and not (isinstance(operand, list) and operand):
        return "is one of compares with a list of values"
    if test == "between":
        pair = isinstance(operand, list) and len(operand) == 2 and all(map(is_number, operand))
        if not pair or operand[0] > operand[1]:
            return "between compares with two numbers [low, high]"
    return ""


def holds(test: Test, value: Any, operand: Any, *, case_sensitive: bool = False) -> bool:
    """Whether a value passes a test.

    Documents and chat messages are looked at as the text that they would write into a prompt.

    Raises:
        NodeError: the value or the operand is of a type that the test cannot look at.
    """
    value = _seen(value)
    if test in WITHOUT_OPERAND:
        return _is_empty(value) == (test == "is empty")
    if why := check_operand(test, operand):
        raise _wrong(f'{why}, but "compare" is {type_in_words(operand)}.', "compare")
    if value is MISSING:
        raise _wrong("There is nothing at that place of the value.", "value")
    fold = _same if case_sensitive else _folded
    return _holds(test, value, operand, fold)


def _holds(test: Test, value: Any, operand: Any, fold: Callable[[Any], Any]) -> bool:
    if test in NUMERIC:
        return NUMERIC[test](_number(test, value), operand)
    if test == "between":
        low, high = operand
        return bool(low <= _number(test, value) <= high)
    if test in LENGTH:
        size = _length(test, value)
        return bool(size > operand if test == "longer than" else size < operand)
    if test in ("equals", "does not equal"):
        return _equal(value, operand, fold) == (test == "equals")
    if test == "is one of":
        return any(_equal(value, choice, fold, strict=False) for choice in operand)
    if test == "has key":
        return fold(operand) in {fold(key) for key in _object(value)}
    return _textual(test, value, operand, fold)


def _textual(test: Test, value: Any, operand: str, fold: Callable[[Any], Any]) -> bool:
    if isinstance(value, list) and test in ("contains", "does not contain"):
        found = any(_equal(item, operand, fold, strict=False) for item in value)
        return found == (test == "contains")
    if not isinstance(value, str):
        raise _wrong(f'"{test}" looks at text, but the value is {type_in_words(value)}.', "value")
    text, part = fold(value), fold(operand)
    if test == "starts with":
        return bool(text.startswith(part))
    if test == "ends with":
        return bool(text.endswith(part))
    return (part in text) == (test == "contains")


def _equal(value: Any, operand: Any, fold: Callable[[Any], Any], *, strict: bool = True) -> bool:
    """Equality as JSON knows it: true is not 1. Comparing text with a number is an error."""
    if strict and value is not None and _sort(value) != _sort(operand):
        raise _wrong(
            f"The value is {type_in_words(value)} and is compared with {type_in_words(operand)}, "
            "so they can never be equal.",
            "value",
        )
    return _sort(value) == _sort(operand) and bool(fold(value) == fold(operand))


def _sort(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "number" if is_number(value) else type(value).__name__


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else _same(value)


def _same(value: Any) -> Any:
    """Booleans inside lists and objects are marked, so that they differ from 0 and 1."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, list):
        return [_same(item) for item in value]
    if isinstance(value, dict):
        return {key: _same(item) for key, item in value.items()}
    return value


def _seen(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], Document | Message):
        return as_text(value)
    return value


def _is_empty(value: Any) -> bool:
    if value is None or value is MISSING:
        return True
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, list | dict):
        return not value
    raise _wrong(f"{type_in_words(value).capitalize()} is never empty or filled.", "value")


def _number(test: str, value: Any) -> Any:
    if not is_number(value):
        raise _wrong(
            f'"{test}" looks at a number, but the value is {type_in_words(value)}.', "value"
        )
    return value


def _length(test: str, value: Any) -> int:
    if isinstance(value, str | list | dict):
        return len(value)
    raise _wrong(
        f'"{test}" looks at text or a list, but the value is {type_in_words(value)}.', "value"
    )


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(
            f'"has key" looks at a JSON object, but the value is {type_in_words(value)}.', "value"
        )
    return value


def _wrong(message: str, port: str) -> NodeError:
    return NodeError(
        message[0].upper() + message[1:],
        fix="Choose a test that fits what arrives, or change what is wired in.",
        port=port,
        code="branch/wrong-type",
        retry=False,
    )
