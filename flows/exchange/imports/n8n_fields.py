"""What n8n's *Edit Fields (Set)* sets, in the shape of each of its versions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from patchbay.flows.exchange.imports.n8n_expressions import LEFT_OUT, ExpressionReader
from patchbay.flows.exchange.imports.params import MISSING, READERS

_PART = re.compile(r"\[(\d{1,4})\]")


def set_fields(
    settings: Mapping[str, Any], version: float, reader: ExpressionReader
) -> dict[str, Any] | None:
    """The fields, as one object with references in it, and whether the others stay; None where it
    holds JSON that cannot be read."""
    if settings.get("mode") == "raw":
        try:
            made = reader.json(settings.get("jsonOutput") or "{}")
        except ValueError:
            return None
        return (
            {"set": made, "others": _others(settings, version)} if isinstance(made, dict) else None
        )
    fields: dict[str, Any] = {}
    options = settings.get("options")
    dots = not (isinstance(options, dict) and options.get("dotNotation") is False)
    for name, kind, value in _rows(settings):
        _put(fields, name, _typed(kind, value, reader), dots)
    return {"set": fields, "others": _others(settings, version)}


def _others(settings: Mapping[str, Any], version: float) -> bool:
    """Whether what comes in stays beside what is set."""
    if version < 3:
        return settings.get("keepOnlySet") is not True
    if version < 3.3:
        return settings.get("include", "all") in ("all", "selected", "except")
    return settings.get("includeOtherFields") is True


def _rows(settings: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Name, type and value of each field."""
    assigned = settings.get("assignments")
    rows = assigned.get("assignments") if isinstance(assigned, dict) else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("name"):
            yield str(row["name"]), str(row.get("type") or "string"), row.get("value")
    held = settings.get("fields")
    rows = held.get("values") if isinstance(held, dict) else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("name"):
            kind = str(row.get("type") or "stringValue")
            yield str(row["name"]), kind.removesuffix("Value"), row.get(kind)
    oldest = settings.get("values")
    for kind, listed in oldest.items() if isinstance(oldest, dict) else ():
        for row in listed if isinstance(listed, list) else ():
            if isinstance(row, dict) and row.get("name"):
                yield str(row["name"]), str(kind), row.get("value")


def _typed(kind: str, value: Any, reader: ExpressionReader) -> Any:
    """A value as its type has it; a reference alone stays one."""
    read = reader.value(value)
    if not isinstance(read, str):
        return _written(read) if kind == "string" else read
    if LEFT_OUT in read or "{{" in read:
        return read.replace("{{value:", "{{text:") if kind == "string" else read
    match kind:
        case "number":
            number = READERS["number"](read)
            return read if number is MISSING else number
        case "boolean":
            return READERS["flag"](read)
        case "array" | "object":
            made = READERS["json"](read)
            return read if made is MISSING else made
    return read


def _written(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _put(fields: dict[str, Any], name: str, value: Any, dots: bool) -> None:
    """`a.b` sets b inside of a, unless that is switched off."""
    keys = _PART.sub(r".\1", name).split(".") if dots else [name]
    at = fields
    for key in keys[:-1]:
        inner = at.get(key)
        if not isinstance(inner, dict):
            inner = at[key] = {}
        at = inner
    at[keys[-1]] = value
