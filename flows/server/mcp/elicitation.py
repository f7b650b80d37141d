"""A question to a person as MCP's elicitation has it: a flat form, and its answer as ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patchbay.nodes.strict_json import parse_json

_FLAT = ("string", "number", "integer", "boolean")


def form_of(asks: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a question's answer: an object of plain fields."""
    wants = asks["wants"]
    match wants["kind"]:
        case "approval":
            fields: dict[str, Any] = {"approve": {"type": "boolean", "title": "Yes?"}}
            more, needed = {"comment": {"type": "string", "title": "Comment"}}, ["approve"]
        case "choice":
            fields = {"choose": {"type": "string", "enum": list(wants["options"])}}
            more, needed = {}, ["choose"]
        case "edit":
            fields = {"value": {"type": "string", "title": "As it should be"}}
            if isinstance(asks.get("value"), str):
                fields["value"]["default"] = asks["value"]
            more, needed = {}, ["value"]
        case "form":
            properties = wants["schema"].get("properties", {})
            fields = {name: _flat(name, part) for name, part in properties.items()}
            more, needed = {}, list(wants["schema"].get("required", []))
        case _:
            ways = ["approve", "edit", "reject", "respond"]
            fields = {"decision": {"type": "string", "enum": ways}}
            more = {
                "message": {"type": "string", "title": "Why, or what is answered in its place"},
                "arguments": {"type": "string", "title": "Other arguments, as JSON"},
            }
            needed = ["decision"]
    return {"type": "object", "properties": {**fields, **more}, "required": needed}


def given_by(asks: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as `GivenReply` has it.

    Raises:
        ValueError: a field that is to be JSON is none.
    """
    wants = asks["wants"]
    match wants["kind"]:
        case "approval":
            comment = str(content.get("comment") or "")
            return {"approve": content.get("approve", False), "comment": comment}
        case "choice":
            return {"choose": content.get("choose")}
        case "edit":
            value = content.get("value")
            return {"value": value if wants.get("of", "text") == "text" else _json(value)}
        case "form":
            properties = wants["schema"].get("properties", {})
            return {"form": {n: _unflat(properties.get(n, {}), v) for n, v in content.items()}}
    decision = str(content.get("decision"))
    said: dict[str, Any] = {"decision": decision}
    if decision == "edit":
        said["arguments"] = _json(content.get("arguments"))
    elif decision in ("reject", "respond"):
        said["message"] = str(content.get("message") or "")
    return {"value": said}


def _flat(name: str, part: Mapping[str, Any]) -> dict[str, Any]:
    """A field as clients can show it; what is nested is asked for as JSON."""
    kept = {k: v for k, v in part.items() if k in ("title", "description", "enum", "default")}
    if part.get("type") in _FLAT:
        return {"type": part["type"], **kept}
    kept.pop("default", None)
    return {"type": "string", **kept, "title": f"{part.get('title', name)} (JSON)"}


def _unflat(part: Mapping[str, Any], value: Any) -> Any:
    return value if part.get("type") in _FLAT or not isinstance(value, str) else _json(value)


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ValueError as error:
        raise ValueError(f"This is not JSON: {error}.") from None
