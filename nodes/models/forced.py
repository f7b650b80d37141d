"""What of a JSON Schema a grammar can force while a model writes, and what it cannot.

llama.cpp (in the wheel that is used here) and our own engine for Transformers both hand a schema to
llguidance, https://github.com/guidance-ai/llguidance/blob/main/docs/json_schema.md (1.9). It
refuses a schema with one keyword that it does not know, and llama.cpp then forces nothing at all,
without a word. So what it cannot force is taken out before, and the answer is checked against the
whole schema afterwards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import JsonValue

UNKNOWN = frozenset({
    "$dynamicRef", "$recursiveRef", "contains", "dependencies", "dependentRequired",
    "dependentSchemas", "else", "if", "maxContains", "minContains", "not", "propertyNames", "then",
    "unevaluatedItems", "unevaluatedProperties", "uniqueItems",
})  # fmt: skip
"""Keywords that a grammar cannot force."""

FORMATS = frozenset({
    "date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid",
})  # fmt: skip
"""Values of `format` that it can."""

_SEVERAL = frozenset({"allOf", "dependencies", "dependentSchemas", "if", "not"})
_COUNTS = frozenset({"minProperties", "maxProperties"})
_IMPOSSIBLE = re.compile("^(Unsatisfiable|Pointer|Resource)")
"""How llguidance begins to say that a schema is wrong, and not only more than it can do."""

_NAMED = ("$defs", "definitions", "properties", "patternProperties")
_SINGLE = ("additionalItems", "additionalProperties", "items")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")

_NOTES = ("title", "description", "default", "examples", "$comment", "$schema", "$id")

_GUIDANCE: dict[str, JsonValue] = {
    "whitespace_flexible": False, "item_separator": ", ", "key_separator": ": ",
    "coerce_one_of": True,
}  # fmt: skip
"""One space after commas and colons: free spacing lets small models write blanks for ever."""

_NOT_IN_PATTERNS = re.compile(
    r"\(\?[=!<>P#](?!\w+>)|\\[bBcZG1-9]|(?<!^)(?<![\[\\(|])\^|\$(?!$|\)|\|)"
)
"""Look-around, word boundaries, references back, and anchors elsewhere than at the ends."""


@dataclass(frozen=True, slots=True)
class Forced:
    """A schema as a grammar can force it."""

    schema: Mapping[str, Any]
    left_out: tuple[str, ...]
    """What is not forced, each a keyword and its place, in words."""
    impossible: str = ""
    """Why no grammar can be made of it, where that is known here."""


def forced(schema: Mapping[str, Any]) -> Forced:
    """What of a schema can be forced. Remembers the last few."""
    return _forced(json.dumps(schema))  # in its order: a model writes the properties in that order


@lru_cache(maxsize=64)
def _forced(text: str) -> Forced:
    left_out: list[str] = []
    schema = json.loads(text)
    if not any(_combines(part) for part in _parts(schema)):
        schema = _closed(schema)
    made = _kept(schema, "", left_out)
    made["x-guidance"] = _GUIDANCE
    why = _refusal(made) or ""
    if why and not _IMPOSSIBLE.search(why):
        return Forced({"x-guidance": _GUIDANCE}, (*left_out, f"all but that it is JSON ({why})"))
    return Forced(made, tuple(dict.fromkeys(left_out)), why)


def _kept(schema: Any, where: str, left_out: list[str]) -> Any:
    """A schema without what cannot be forced: it takes all that the whole one takes, and more."""
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        place = f"{where}.{key}" if where else key
        if key in UNKNOWN or not _known(key, value):
            left_out.append(_said(key, value, where))
        elif key in _NAMED and isinstance(value, dict):
            kept[key] = {n: _kept(part, _at(where, key, n), left_out) for n, part in value.items()}
        elif key in _LISTS and isinstance(value, list):
            kept[key] = [_kept(part, f"{place}[{n}]", left_out) for n, part in enumerate(value)]
        elif key in _SINGLE:
            kept[key] = _kept(value, place, left_out)
        else:
            kept[key] = value
    if kept.get("properties") and not set(kept["properties"]) <= set(kept.get("required", ())):
        # Properties can be counted only where each that is named must be there.
        left_out.extend(_said(key, kept.pop(key), where) for key in _COUNTS & kept.keys())
    if not _disjoint(kept.get("oneOf")):
        left_out.append(_said("oneOf", None, where) + " (that no other part fits as well)")
    return kept


# --- no more properties than are named ------------------------------------------------------------


def _closed(schema: Any) -> Any:
    """A schema whose objects have the properties that are named, and no others.

    By the schema others may come, too. Small models, allowed to, write more of them for ever.
    """
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {
        key: {name: _closed(part) for name, part in value.items()}
        if key in _NAMED and isinstance(value, dict)
        else _closed(value)
        if key in (*_SINGLE, *_LISTS)
        else value
        for key, value in schema.items()
    }
    named = made.get("properties", {})
    enough = made.get("minProperties", 0) <= len(named)
    enough = enough and set(made.get("required", ())) <= set(named)
    if named and enough and not made.keys() & {"additionalProperties", "patternProperties"}:
        made["additionalProperties"] = False
    return made


def _combines(part: Mapping[str, Any]) -> bool:
    """Whether an object is described in several places, so that none of them names all of it."""
    beside = part.keys() & {"properties", "required", "minProperties"}
    if part.keys() & _SEVERAL:
        return True
    referred = "$ref" in part and part.keys() - {"$ref", "$defs", "definitions", *_NOTES}
    return bool(referred or ({"anyOf", "oneOf"} & part.keys() and beside))


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """A schema and all schemas in it."""
    if isinstance(schema, list):
        for part in schema:
            yield from _parts(part)
    elif isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            if key in _NAMED and isinstance(value, dict):
                yield from _parts(list(value.values()))
            elif key in (*_SINGLE, *_LISTS):
                yield from _parts(value)


# --- keywords -------------------------------------------------------------------------------------


def _known(key: str, value: Any) -> bool:
    if key == "pattern":
        return isinstance(value, str) and _is_plain_pattern(value)
    if key == "patternProperties" and isinstance(value, dict):
        return all(_is_plain_pattern(pattern) for pattern in value)
    return key != "format" or value in FORMATS


def _said(key: str, value: Any, where: str) -> str:
    shown = f" {value!r}" if isinstance(value, str) else ""
    return f"{key}{shown}{f' of {where}' if where else ''}"


def _at(where: str, key: str, name: str) -> str:
    """The place of a named part: that of a property is its name alone."""
    parts = [where, name] if key == "properties" else [where, key, name]
    return ".".join(part for part in parts if part)


@lru_cache(maxsize=256)
def _is_plain_pattern(pattern: str) -> bool:
    if (refused := _refusal({"type": "string", "pattern": pattern})) is not None:
        return not refused
    return not _NOT_IN_PATTERNS.search(pattern)


def _disjoint(branches: Any) -> bool:
    """Whether no value fits two of the branches, as far as their types or a fixed property say."""
    if not isinstance(branches, list) or len(branches) < 2:
        return True
    if not all(isinstance(branch, dict) for branch in branches):
        return False
    if _apart([_types(branch) for branch in branches]):
        return True
    names = [set(branch.get("required", ())) & set(_fixed(branch)) for branch in branches]
    shared: set[str] = set.intersection(*names)
    return any(_apart([_fixed(branch)[name] for branch in branches]) for name in shared)


def _apart(sets: Sequence[set[str]]) -> bool:
    return all(sets) and sum(map(len, sets)) == len(set().union(*sets))


def _types(branch: Mapping[str, Any]) -> set[str]:
    given = branch.get("type", [])
    return {
        "number" if t == "integer" else t for t in ([given] if isinstance(given, str) else given)
    }


def _fixed(branch: Mapping[str, Any]) -> dict[str, set[str]]:
    """The properties that have one value, or one of a few, by name."""
    found: dict[str, set[str]] = {}
    for name, part in branch.get("properties", {}).items():
        if isinstance(part, dict) and ("const" in part or "enum" in part):
            values = part["enum"] if "enum" in part else [part["const"]]
            found[name] = {json.dumps(value, sort_keys=True) for value in values}
    return found


def _refusal(schema: Mapping[str, Any]) -> str | None:
    """Why llguidance takes no such schema, empty where it does; None where it is not installed."""
    try:
        from llguidance import LLMatcher
    except ImportError:
        return None
    grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema))
    return " ".join(str(LLMatcher.validate_grammar(grammar)).split())
