"""The inputs of a flow as arguments that a model fills: what it is told, what it may send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps, loads
from typing import Any

from pydantic import ValidationError

from patchbay.nodes.contract import InputField
from patchbay.nodes.errors import NodeError
from patchbay.nodes.values import Document

TEXTS = {"type": "array", "items": {"type": "string"}}


def fields_of(names: Sequence[str], asked: Sequence[InputField], flow: str) -> list[InputField]:
    """The inputs of these names, as the flow asks for them; a text where it says nothing.

    Raises:
        NodeError: one of them takes what no model can give.
    """
    known = {field.name: field for field in asked}
    fields = [known.get(name, InputField(name, "text", required=True)) for name in names]
    for field in fields:
        if field.kind == "file":
            raise NodeError(
                f'The input "{field.name}" of the flow "{flow}" takes a file, which a model cannot '
                "give.",
                fix="Leave it out of inputs and give it a default there, or take a text instead.",
                port="tool",
                code="tool/input",
                retry=False,
            )
    return fields


def schema_of(fields: Sequence[InputField]) -> dict[str, Any]:
    """The JSON Schema of the arguments."""
    return {
        "type": "object",
        "properties": {field.name: _property(field) for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _property(field: InputField) -> dict[str, Any]:
    about = field.description or f'The input "{field.name}" of the flow'
    if field.kind == "messages":
        about += ": what the user says"
    kinds: dict[str, dict[str, Any]] = {
        "number": {"type": "number"},
        "choice": {"type": "string", "enum": list(field.choices)},
        "json": {},
        "documents": TEXTS,
    }
    told = {**kinds.get(field.kind, {"type": "string"}), "description": about}
    return told if field.required or field.default is None else {**told, "default": field.default}


def read(fields: Sequence[InputField], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a model sent, as the values that the flow takes.

    A value of another kind is read as the wanted one where that can mean one thing only, such as
    "3.5" for a number. What has a default may be left out, or be null.

    Raises:
        NodeError: everything that is missing, unknown or of another kind, in words for the model.
    """
    known = {field.name: field for field in fields}
    strange = [name for name in given if name not in known]
    wrong = [f'There is no input "{n}"; there are: {", ".join(known)}.' for n in strange]
    values: dict[str, Any] = {}
    for name, field in known.items():
        value = given.get(name)
        if name not in given or (value is None and field.kind != "json"):
            wrong += [f'The input "{name}" is missing.'] if field.required else []
            continue
        try:
            values[name] = _checked(field, _as_kind(field, value))
        except NodeError as error:
            wrong.append(error.message)
    if wrong:
        raise NodeError(" ".join(wrong), code="tool/input", retry=False)
    return values


def _checked(field: InputField, value: Any) -> Any:
    field.parse(value)  # the flow does it again; here it is said in words that the model gets
    return value


def _as_kind(field: InputField, value: Any) -> Any:
    match field.kind:
        case "choice" if isinstance(value, str):
            like = [c for c in field.choices if c.casefold() == value.strip().casefold()]
            return like[0] if value not in field.choices and len(like) == 1 else value
        case "text" if isinstance(value, (dict, list, bool)):
            return dumps(value, ensure_ascii=False)
        case "json" if isinstance(value, str):
            return value if _is_json_text(value) else dumps(value, ensure_ascii=False)
        case "documents":
            items = value if isinstance(value, list) else [value]
            return [Document(text=item) if isinstance(item, str) else item for item in items]
    return value


def _is_json_text(text: str) -> bool:
    """Whether a text is JSON itself, as models write objects that go into a text."""
    try:
        return isinstance(loads(text), (dict, list))
    except (ValueError, RecursionError):
        return False


_PLAIN = {"missing": "it is missing", "extra_forbidden": "the tool has no such argument"}


def unfit(error: ValidationError) -> str:
    """What is wrong with arguments that a tool's own schema refuses, in a line."""
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {_PLAIN.get(one['type'], one['msg'])}"
        for one in error.errors()
    )
