"""Params of a node here from the settings of one there: the small language of the tables.

`"$name"` is a setting as it is, `"$name:number"` one read as a number, `"$a|b:text"` the first of
two that is set, `{"join": [...]}` texts one after the other, `{"map": "$x", "to": {...}}` a choice
of words. Everything else is a literal. What is not set leaves its param out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from patchbay.flows.exchange.imports.template import from_html
from patchbay.flows.exchange.imports.zod import ZodError, schema_of_zod
from patchbay.nodes.database_address import has_password

MISSING = object()
"""No value: the param is left out."""
_SETTING = re.compile(r"^\$([A-Za-z_][\w.|/ -]*)(?::(\w+))?$")
CHARACTERS_PER_TOKEN = 4
"""Characters of English text in a token, about; other builders count chunks in characters."""


def setting(settings: Mapping[str, Any], path: str) -> Any:
    """A setting by name, `a.b` for one inside another, `a|b` for the first that is set."""
    names, ways = _ways(path)
    if settings.keys().isdisjoint(names):
        return MISSING
    for first, deeper in ways:
        value = settings.get(first)
        for part in deeper:
            value = value.get(part) if isinstance(value, Mapping) else None
        if value or (value is not None and value not in _EMPTY):
            return value
    return MISSING


_EMPTY: tuple[Any, ...] = ("", [], {})
"""What counts as not set; 0 and false are set."""


@lru_cache(maxsize=4096)
def _ways(path: str) -> tuple[frozenset[str], tuple[tuple[str, tuple[str, ...]], ...]]:
    """The names that a path may begin with; and in order, each with those inside of it."""
    split = (name.split(".") for name in path.split("|"))
    ways = tuple((first, tuple(deeper)) for first, *deeper in split)
    return frozenset(first for first, _ in ways), ways


@lru_cache(maxsize=4096)
def _read(expression: str) -> Callable[[Mapping[str, Any]], Any]:
    """What reads the setting that an expression of a table names; a table says it once, and
    thousands of nodes are asked."""
    match = _SETTING.match(expression)
    if match is None:
        return lambda settings: expression
    path, reader = match[1], READERS[match[2] or "plain"]

    def read(settings: Mapping[str, Any]) -> Any:
        value = setting(settings, path)
        return value if value is MISSING else reader(value)

    return read


def value_of(expression: Any, settings: Mapping[str, Any]) -> Any:
    """What an expression of a table gives for these settings, or `MISSING`."""
    if isinstance(expression, str):
        return _read(expression)(settings)
    if isinstance(expression, list):
        made = [value_of(item, settings) for item in expression]
        return [item for item in made if item is not MISSING]
    if isinstance(expression, Mapping):
        if "join" in expression:
            parts = [value_of(part, settings) for part in expression["join"]]
            return MISSING if MISSING in parts else "".join(str(part) for part in parts)
        if "map" in expression:
            found = value_of(expression["map"], settings)
            known = expression["to"]
            return known.get(str(found).lower(), expression.get("else", MISSING))
        if "first" in expression:
            values = (value_of(part, settings) for part in expression["first"])
            return next((value for value in values if value is not MISSING), MISSING)
        made_map = {key: value_of(inner, settings) for key, inner in expression.items()}
        return {key: value for key, value in made_map.items() if value is not MISSING}
    return expression


def _number(value: Any) -> Any:
    """Numbers arrive as text there: `"0"`, `"0.7"`."""
    if isinstance(value, bool):
        return MISSING
    if isinstance(value, str):
        try:
            value = float(value.strip())
        except ValueError:
            return MISSING
    if not isinstance(value, (int, float)) or value != value or abs(value) > 1e15:
        return MISSING
    return int(value) if float(value).is_integer() else value


def _whole(value: Any) -> Any:
    number = _number(value)
    return number if number is MISSING else int(number)


def _positive(value: Any) -> Any:
    number = _whole(value)
    return MISSING if number is MISSING or number <= 0 else number


def _tokens(value: Any) -> Any:
    number = _whole(value)
    return MISSING if number is MISSING else max(1, round(number / CHARACTERS_PER_TOKEN))


def _overlap(value: Any) -> Any:
    number = _whole(value)
    return MISSING if number is MISSING else max(0, round(number / CHARACTERS_PER_TOKEN))


def _temperature(value: Any) -> Any:
    number = _number(value)
    return MISSING if number is MISSING else min(2, max(0, number))


def _text(value: Any) -> Any:
    return from_html(value) if isinstance(value, str) else MISSING


def _flag(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip().lower() in ("true", "yes", "1", "on")
    return bool(value)


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return MISSING


def _secret(value: Any) -> Any:
    if isinstance(value, Mapping) and isinstance(value.get("secret"), str):
        return {"secret": value["secret"]}
    if isinstance(value, str) and re.fullmatch(r"[A-Z][A-Z0-9_]{1,80}", value):
        return {"secret": value}
    return MISSING


def _address(value: Any) -> Any:
    ok = isinstance(value, str) and re.match(r"https?://[^\s{}]+$", value)
    return value if ok else MISSING


def _first(value: Any) -> Any:
    if isinstance(value, list):
        value = value[0] if value else None
    return _address(value)


def _database(value: Any) -> Any:
    """The address of a database, without a password in it."""
    ok = isinstance(value, str) and re.match(r"[a-z][a-z0-9+]{1,30}://[^\s{}]*$", value)
    return value if ok and not has_password(value) else MISSING


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) and value.strip() else MISSING


def _name(value: Any) -> Any:
    made = re.sub(r"[^A-Za-z0-9_-]+", "_", str(value)).strip("_-")[:60]
    if not made:
        return MISSING
    return made if made[0].isalpha() or made[0] == "_" else f"n_{made}"


def _tool(value: Any) -> Any:
    """A name that models can call: small letters, digits and _."""
    made = re.sub(r"[^a-z0-9_]+", "_", str(value).lower()).strip("_")[:60]
    if not made:
        return MISSING
    return made if made[0].isalpha() else f"tool_{made}"


def _lines(value: Any) -> Any:
    if isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()]
    return [str(item) for item in value] if isinstance(value, list) else MISSING


def _zod(value: Any) -> Any:
    if not isinstance(value, str):
        return MISSING
    try:
        return schema_of_zod(value)
    except ZodError:
        return MISSING


def _fields(value: Any) -> Any:
    """Rows that describe the fields of an answer, in any builder's words, as ours."""
    rows = _json(value)
    if not isinstance(rows, list):
        return MISSING
    made = [_field(row) for row in rows if isinstance(row, Mapping)]
    return [row for row in made if row] or MISSING


_TYPES = {
    "number": "number", "float": "number", "int": "whole number", "integer": "whole number",
    "boolean": "yes or no", "bool": "yes or no", "enum": "choice", "choice": "choice",
    "select": "choice",
}  # fmt: skip
_LISTS = re.compile(r"^array\[(\w+)\]$")
"""How Dify writes a list of something."""


def _field(row: Mapping[str, Any]) -> dict[str, Any]:
    name = _name(row.get("key") or row.get("name") or "")
    if name is MISSING:
        return {}
    word = str(row.get("type", "")).lower()
    listed = _LISTS.match(word)
    kind = _TYPES.get(listed[1] if listed else word, "text")
    made: dict[str, Any] = {"name": str(name).replace("-", "_"), "type": kind}
    if listed:
        made["many"] = True
    if row.get("required") is False:
        made["required"] = False
    choices = row.get("enumValues") or row.get("choices") or row.get("options")
    if isinstance(choices, str):
        choices = [part.strip() for part in choices.split(",") if part.strip()]
    if kind == "choice":
        if not choices:
            made["type"] = "text"
        else:
            made["choices"] = ", ".join(str(choice) for choice in choices)
    about = row.get("description")
    if isinstance(about, str) and about.strip():
        made["description"] = about.strip()[:900]
    return made


def _schema(value: Any) -> Any:
    rows = _fields(value)
    if rows is MISSING:
        return MISSING
    properties: dict[str, Any] = {}
    raw = _json(value)
    for row, source in zip(rows, [r for r in raw if isinstance(r, Mapping)], strict=False):
        properties[row["name"]] = _property(row, source)
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _property(row: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {
        "text": "string",
        "choice": "string",
        "whole number": "integer",
        "yes or no": "boolean",
    }
    made: dict[str, Any] = {"type": kinds.get(row["type"], row["type"])}
    if row["type"] == "choice":
        made["enum"] = row["choices"].split(", ")
    if "description" in row:
        made["description"] = row["description"]
    word = str(source.get("type", "")).lower()
    if source.get("multiple") is True or word in ("stringarray", "list", "array", "list[string]"):
        return {"type": "array", "items": made}
    if word in ("jsonarray", "objectarray"):
        return {"type": "array", "items": {"type": "object"}}
    return made


def _example(value: Any) -> Any:
    """The JSON schema of what looks like an example: its fields, all of them needed."""
    found = _json(value)
    return _schema_of(found) if isinstance(found, dict) and found else MISSING


def _schema_of(value: Any, depth: int = 0) -> dict[str, Any]:
    if isinstance(value, dict) and depth < 12:
        fields = {str(key): _schema_of(inner, depth + 1) for key, inner in value.items()}
        return {"type": "object", "properties": fields, "required": list(fields)}
    if isinstance(value, list) and depth < 12:
        return {"type": "array", "items": _schema_of(value[0], depth + 1) if value else {}}
    if isinstance(value, bool):
        return {"type": "boolean"}
    return {"type": "number" if isinstance(value, (int, float)) else "string"}


READERS: Mapping[str, Callable[[Any], Any]] = {
    "plain": lambda value: value,
    "number": _number,
    "whole": _whole,
    "positive": _positive,
    "temperature": _temperature,
    "tokens": _tokens,
    "overlap": _overlap,
    "text": _text,
    "flag": _flag,
    "json": _json,
    "secret": _secret,
    "address": _address,
    "first": _first,
    "upper": _upper,
    "dburl": _database,
    "name": _name,
    "tool": _tool,
    "lines": _lines,
    "zod": _zod,
    "fields": _fields,
    "schema": _schema,
    "example": _example,
}
"""How a setting is read, by the word after the colon."""
