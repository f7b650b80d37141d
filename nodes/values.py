"""What may travel on a wire, and which wire fits which port.

Values are plain data: text, numbers, JSON, and small frozen models. Nothing live ever travels; a
chat model on a wire is a description (a `Spec`) that the run's resource pool opens. That is what
lets a result be hashed, cached, stored, and computed somewhere else.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import JsonValue

from patchbay.nodes.data import (
    TAG,
    Document,
    FileRef,
    Message,
    Picture,
    SecretRef,
    Value,
    canonical,
    content_hash,
    encode,
    is_number,
    nested_fields,
)
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.specs import (
    AgentSpec,
    EmbeddingsSpec,
    ModelSpec,
    Opening,
    RetrieverSpec,
    Spec,
    TaskSpec,
    ToolSpec,
)

MAX_DEPTH = 200
"""How many levels deep a JSON value on a wire may nest."""


# --- port types ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PortType:
    """What a port takes or gives: any of `ids`, one wire or many."""

    ids: tuple[str, ...]
    many: bool
    checks: tuple[Callable[[object], bool], ...]

    def accepts(self, value: object) -> bool:
        """Whether one value (of one wire) is of this type."""
        for check in self.checks:  # noqa: SIM110 - a generator takes twice the time
            if check(value):
                return True
        return False

    def __str__(self) -> str:
        return " or ".join(self.ids)


def compatible(source: PortType, target: PortType) -> bool:
    """Whether everything that `source` gives is taken by `target`.

    A type fits itself and its family (`chat model/gguf` fits `chat model`). `any` fits everything,
    in both directions; the value is then checked when it arrives.
    """
    if "any" in target.ids or "any" in source.ids:
        return True
    return all(any(_fits(given, taken) for taken in target.ids) for given in source.ids)


def _fits(given: str, taken: str) -> bool:
    return given == taken or given.startswith(taken + "/")


@lru_cache(maxsize=4096)
def port_type(annotation: Any) -> PortType:
    """Derive the port type from a type annotation.

    `list[Message]` and `list[Document]` are values of their own; any other `list[T]` is a port that
    takes many wires of `T`.

    Raises:
        TypeError: the annotation is not something that may travel on a wire.
    """
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is list and annotation not in _LIST_IDS:
        inner = port_type(get_args(annotation)[0])
        return PortType(inner.ids, many=True, checks=inner.checks)
    members = [part for part in _members(annotation) if part is not type(None)]
    pairs = [_atom(part) for part in members]
    return PortType(tuple(i for i, _ in pairs), many=False, checks=tuple(c for _, c in pairs))


def _members(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def is_optional(annotation: Any) -> bool:
    """Whether the annotation allows None, so that the port may stay unwired."""
    return type(None) in _members(annotation)


def _atom(annotation: Any) -> tuple[str, Callable[[object], bool]]:
    if annotation is JsonValue:
        return "json", is_json
    if annotation is Any:
        return "any", lambda value: True
    if annotation in _LIST_IDS:
        item = get_args(annotation)[0]
        return _LIST_IDS[
            annotation
        ], lambda value: isinstance(value, list) and all(isinstance(i, item) for i in value)
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Value):
        wire = annotation.type_id() if issubclass(annotation, Spec) else annotation.wire
        if wire:
            return wire, lambda value: isinstance(value, annotation)
    raise TypeError(f"{annotation!r} may not travel on a wire; see the table in docs/nodes.md")


def is_json(value: object, depth: int = MAX_DEPTH) -> bool:
    """Whether a value is plain JSON (finite numbers, text keys) of bounded depth."""
    if value is None or isinstance(value, (str, bool, int)):
        return True
    if isinstance(value, float):
        return math.isfinite(value)
    if depth == 0:
        return False
    if isinstance(value, list):
        return all(is_json(item, depth - 1) for item in value)
    if isinstance(value, dict):
        return all(isinstance(k, str) and is_json(v, depth - 1) for k, v in value.items())
    return False


def is_too_deep(value: object) -> bool:
    """Whether a value nests deeper than `MAX_DEPTH`; without recursion, so of any depth."""
    if isinstance(value, str):
        return False
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            return False
    return True


def has_half(value: object) -> bool:
    """Whether a text in a value holds half a character (a lone surrogate).

    JSON can say one (`"\\ud83d"`, of an emoji that was cut); no file, page or terminal holds it.
    """
    if isinstance(value, str):
        return not value.isascii() and not _is_whole(value)
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            if not item.isascii() and not _is_whole(item):
                return True
        elif isinstance(item, dict):
            stack += [*item.keys(), *item.values()]
        elif isinstance(item, (list, tuple)):
            stack += item
        elif isinstance(item, Document):
            stack += [item.text, item.metadata]
        elif isinstance(item, Message):
            stack.append(item.content)
    return False


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()


_LIST_IDS: dict[Any, str] = {list[Message]: "messages", list[Document]: "documents"}
_PLAIN: dict[Any, tuple[str, Callable[[object], bool]]] = {
    str: ("text", lambda value: isinstance(value, str)),
    float: ("number", is_number),
    int: ("number", is_number),
}

Promptable = str | float | JsonValue | list[Document] | list[Message] | Table
"""What a prompt can write out as text."""

ValueKind = Literal["text", "number", "json", "messages", "documents", "any"]
"""The port types that a person can choose in a param."""

KIND_TYPES: Mapping[str, Any] = {
    "text": str,
    "number": float,
    "json": JsonValue,
    "messages": list[Message],
    "documents": list[Document],
    "any": Any,
}


def type_in_words(value: object) -> str:
    """What a value is, in words for an error message: `text`, `3 documents`, `number`."""
    if isinstance(value, str):
        return "text"
    if is_number(value):
        return "number"
    if isinstance(value, Spec):
        return value.type_id()
    if isinstance(value, Value):
        return value.wire or value.tag()
    if isinstance(value, list) and value and all(isinstance(i, Document) for i in value):
        return "1 document" if len(value) == 1 else f"{len(value)} documents"
    if isinstance(value, list) and value and all(isinstance(i, Message) for i in value):
        return "1 message" if len(value) == 1 else f"{len(value)} messages"
    if value is None:
        return "nothing"
    if isinstance(value, (list, dict)) and is_too_deep(value):
        return f"a value nested deeper than {MAX_DEPTH} levels"
    if is_json(value):
        return "a JSON list" if isinstance(value, list) else "JSON"
    return f"a Python {type(value).__name__}"


def as_text(value: Any) -> str:
    """Write a value out as the text that goes into a prompt.

    Whole numbers lose their `.0`, documents are separated by blank lines, JSON is indented.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    if isinstance(value, Document):
        return value.text
    if isinstance(value, Table):
        return value.as_markdown()
    if isinstance(value, Chart):
        return value.as_table().as_markdown()
    if isinstance(value, Picture):
        return value.alt or f"[picture {value.media}, {value.size:,} bytes]"
    if isinstance(value, Message):
        shown = "".join(f"\n{as_text(picture)}" for picture in value.pictures)
        return f"{value.role}: {value.content}{shown}"
    if isinstance(value, list) and value and isinstance(value[0], (Document, Message)):
        return "\n\n".join(as_text(item) for item in value)
    return json.dumps(encode(value), ensure_ascii=False, indent=2)


# --- stored form --------------------------------------------------------------------------------


def decode(data: Any, types: Mapping[str, type[Value]] | None = None) -> Any:
    """The value of an encoded form. A tag that is not in `types` is an error.

    Raises:
        ValueError: the stored type is not known here (a plugin that is not installed).
    """
    if isinstance(data, list):
        return [decode(item, types) for item in data]
    if not isinstance(data, dict):
        return data
    tag = data.get(TAG)
    if tag is None:
        return {key: decode(item, types) for key, item in data.items()}
    if tag == "json":
        return {key: decode(item, types) for key, item in data["value"].items()}
    cls = VALUE_TYPES.get(tag)
    if cls is None and types is not None:
        cls = types.get(tag)
    if cls is None:
        raise ValueError(f"A stored value is of type {tag!r}, which no installed node knows.")
    fields = {key: item for key, item in data.items() if key != TAG}
    for name in nested_fields(cls):
        if name in fields:
            fields[name] = decode(fields[name], types)
    return cls.model_validate(fields)


VALUE_TYPES: Mapping[str, type[Value]] = {
    cls.tag(): cls for cls in (Message, Document, FileRef, SecretRef, Table, Chart, Picture)
}

__all__ = [
    "KIND_TYPES", "MAX_DEPTH", "TAG", "VALUE_TYPES", "AgentSpec", "Chart", "Document",
    "EmbeddingsSpec", "FileRef", "Message", "ModelSpec", "Opening", "Picture", "PortType",
    "Promptable", "RetrieverSpec", "SecretRef", "Spec", "Table", "TaskSpec", "ToolSpec", "Value",
    "ValueKind", "as_text", "canonical", "compatible", "content_hash", "decode",
    "encode", "is_json", "is_optional", "is_too_deep", "port_type", "type_in_words",
]  # fmt: skip
