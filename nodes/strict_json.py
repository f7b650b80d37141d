"""JSON as it comes from outside, read as RFC 8259 says and not as Python does.

Python takes `NaN` and `Infinity`, makes infinity of 1e999, and raises `RecursionError` where a
value is nested deeply. None of these can be written down again or compared, so that they would come
out far from where they came in.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any


def parse_json(
    text: str | bytes, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None
) -> Any:
    """The value that a text is.

    Args:
        text: JSON; bytes are UTF-8, UTF-16 or UTF-32.
        pairs: makes an object of its names and values; None for a dict, where the last of a name
            counts.

    Raises:
        ValueError: it is none, in words; a `json.JSONDecodeError` knows the place.
    """
    if not isinstance(text, str):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    try:
        if pairs is None:
            return _DECODER.decode(text)
        return json.loads(
            text, parse_constant=no_constant, parse_float=finite, object_pairs_hook=pairs
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_once_each(text: str) -> Any:
    """What a person or a program gives as JSON, in which no object has a name twice.

    NaN and infinities are taken, as Python writes them: whoever calls says what becomes of them.

    Raises:
        ValueError: it is none, or a name stands twice; a `json.JSONDecodeError` knows the place.
        RecursionError: it is nested too deeply.
    """
    return _ONCE_EACH.decode(text)


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object: of two values for one name nobody knows which is meant (RFC 8259, 4).

    Raises:
        ValueError: there are two.
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{json.dumps(twice)} stands more than once in one object")
    return made


def finite(digits: str) -> float:
    """A number that a float can hold.

    Raises:
        ValueError: it is too large for one.
    """
    if math.isinf(number := float(digits)):
        raise ValueError(f"{digits[:40]} is too large a number")
    return number


def no_constant(name: str) -> Any:
    """What Python takes for a number, and JSON does not.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=no_constant, parse_float=finite)
"""`json.loads` would make one for every call."""
_ONCE_EACH = json.JSONDecoder(object_pairs_hook=once_each)
