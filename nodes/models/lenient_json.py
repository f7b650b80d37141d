"""The JSON in what a model wrote. Read in one way by every node."""

from __future__ import annotations

import json
import re

from pydantic import JsonValue

from patchbay.nodes.strict_json import finite, no_constant, once_each, parse_json
from patchbay.nodes.values import has_half

_FENCE = re.compile(r"^[ \t]*(```+|~~~+)[ \t]*\w*[ \t]*\n(.*?)^[ \t]*\1[ \t]*$", re.M | re.S)


def json_in(text: str) -> JsonValue:
    """The one JSON value in a text: models like to put words or a fence around it.

    The whole text counts first, then what stands in a fence, then an object or a list among words.

    Raises:
        ValueError: there is none, it is damaged, or there are several; a name stands twice in one
            object; or a text holds half a character. In words for a model.
    """
    value = _value_in(text)
    if "\\u" in text and has_half(value):
        raise ValueError("A text in it holds half a character (a lone surrogate).")
    return value


def _value_in(text: str) -> JsonValue:
    whole = text.strip()
    try:
        return _read(whole)
    except (ValueError, RecursionError) as error:
        problem = error
    fenced = [inner for _, inner in _FENCE.findall(text)]
    if len(fenced) == 1:
        return _one(fenced[0].strip(), problem)
    return _one(whole, problem)


def _one(text: str, problem: Exception) -> JsonValue:
    found: list[JsonValue] = []
    at, decoder = (
        0,
        json.JSONDecoder(
            parse_constant=no_constant, parse_float=finite, object_pairs_hook=once_each
        ),
    )
    while (begin := _first(text, at)) >= 0:
        try:
            value, at = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError) as error:
            if not found and _whole_tail(text, begin):
                raise ValueError(f"It is not valid JSON: {_plain(error)}.") from None
            at = begin + 1
            continue
        found.append(value)
    if len(found) > 1:
        raise ValueError(f"It holds {len(found)} JSON values where there must be one.")
    if found:
        return found[0]
    try:
        return _read(text)
    except (ValueError, RecursionError):
        raise ValueError(f"It is not valid JSON: {_plain(problem)}.") from None


def _whole_tail(text: str, begin: int) -> bool:
    """Whether a damaged value takes up the text: what stands inside it is not the answer then."""
    return text[begin] == "{" or not text[:begin].strip()


def _first(text: str, at: int) -> int:
    places = [place for sign in "{[" if (place := text.find(sign, at)) >= 0]
    return min(places, default=-1)


def _read(text: str) -> JsonValue:
    value: JsonValue = parse_json(text, once_each)
    return value


def _plain(error: Exception) -> str:
    """The decoder's words, as a sentence about this text."""
    if isinstance(error, json.JSONDecodeError):
        what = error.msg.removesuffix(" starting at").removesuffix(" at")
        return f"{what} (line {error.lineno}, column {error.colno})"
    return "it is nested too deep" if isinstance(error, RecursionError) else str(error)
