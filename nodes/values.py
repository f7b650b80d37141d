"""What may travel on a wire, and which wire fits which port.

Values are plain data: text, numbers, JSON, and small frozen models. Nothing live ever travels; a
chat model on a wire is a description (a `Spec`) that the run's resource pool opens. That is what
lets a result be hashed, cached, stored, and computed somewhere else.
"""

from __future__ import annotations

import hashlib
import json
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Protocol, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, JsonValue

MAX_DEPTH = 200
"""How many levels deep a JSON value on a wire may nest."""

TAG = "$type"
"""The key that marks an encoded model among plain JSON."""


class Value(BaseModel):
    """A small frozen model that may travel on a wire."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def tag(cls) -> str:
        """The stable name of this type in stored values."""
        return cls.__name__.lower()


class Message(Value):
    """One chat message, in the roles every chat API shares."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str


class Document(Value):
    """A piece of text with where it came from and, once retrieved, how well it matched."""

    text: str
    metadata: dict[str, JsonValue] = {}
    score: float | None = None


class FileRef(Value):
    """A file by path and content, so that a changed file is a changed value.

    `size` is in bytes, `sha256` in hex.
    """

    path: str
    sha256: str
    size: int


class SecretRef(Value):
    """The name of a secret. The value is looked up when a node runs and is never stored."""

    secret: str


class Opening(Protocol):
    """What a description may ask of the pool while it is being opened (in a worker thread)."""

    def report(self, label: str, done: float, total: float | None) -> None:
        """Report progress. Raises when the run was cancelled, which ends the opening."""

    def secret(self, ref: SecretRef) -> str:
        """The secret's value. Raises `NodeError` when it is not set."""


class Spec(Value):
    """A description of something that must be opened before use: a model, an index, a tool.

    Subclasses that name a `port` start a family (chat model, embeddings, …); subclasses that name a
    `backend` are one member of it. A port that takes the family takes every member.
    """

    port: ClassVar[str]
    backend: ClassVar[str] = ""

    @classmethod
    def type_id(cls) -> str:
        """The port type, such as `chat model` for the family or `chat model/gguf` for a member."""
        return f"{cls.port}/{cls.backend}" if cls.backend else cls.port

    @classmethod
    def tag(cls) -> str:
        """Stored values name a description by its port type."""
        return cls.type_id()

    @property
    def slots(self) -> int | None:
        """How many requests the opened resource serves at once; None for no limit."""
        return None

    def resource(self) -> Spec:
        """This description without what does not matter for opening it (sampling defaults, say).

        Two descriptions with equal `resource()` share one opened object.
        """
        return self

    def content_key(self) -> JsonValue:
        """What the results depend on: this description plus the hashes of the files it names."""
        return encode(self)

    def memory(self) -> int | None:
        """Estimated memory of the opened resource in bytes, or None where it is not known."""
        return None

    def open(self, opening: Opening) -> Any:
        """Open the resource. Runs in a worker thread and may block.

        A `close()` of the result is called when the pool lets it go.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be opened")


class ModelSpec(Spec):
    """A chat model. Opens as a LangChain `BaseChatModel`."""

    port: ClassVar[str] = "chat model"

    def call_options(
        self,
        *,
        temperature: float | None = None,
        seed: int | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        json_schema: Mapping[str, JsonValue] | None = None,
    ) -> dict[str, Any]:
        """Keyword arguments for a call of the opened model, in the words of its backend.

        None and () mean "as the description says". The answer repeats when the result holds a
        temperature of 0 or a seed, so a backend that knows neither leaves both out.
        """
        options: dict[str, Any] = {"temperature": temperature, "seed": seed}
        options |= {"max_tokens": max_tokens, "stop": list(stop) or None}
        if json_schema is not None:
            options["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(json_schema)},
            }
        return {key: value for key, value in options.items() if value is not None}


# --- port types ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PortType:
    """What a port takes or gives: any of `ids`, one wire or many."""

    ids: tuple[str, ...]
    many: bool
    checks: tuple[Callable[[object], bool], ...]

    def accepts(self, value: object) -> bool:
        """Whether one value (of one wire) is of this type."""
        return any(check(value) for check in self.checks)

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
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return annotation.type_id(), lambda value: isinstance(value, annotation)
    raise TypeError(f"{annotation!r} may not travel on a wire; see the table in docs/nodes.md")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


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


_LIST_IDS: dict[Any, str] = {list[Message]: "messages", list[Document]: "documents"}
_PLAIN: dict[Any, tuple[str, Callable[[object], bool]]] = {
    str: ("text", lambda value: isinstance(value, str)),
    float: ("number", _is_number),
    int: ("number", _is_number),
    FileRef: ("file", lambda value: isinstance(value, FileRef)),
}

Promptable = str | float | JsonValue | list[Document] | list[Message]
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


def describe(value: object) -> str:
    """What a value is, in words for an error message: `text`, `3 documents`, `number`."""
    if isinstance(value, str):
        return "text"
    if _is_number(value):
        return "number"
    if isinstance(value, Spec):
        return value.type_id()
    if isinstance(value, Value):
        return value.tag()
    if isinstance(value, list) and value and all(isinstance(i, Document) for i in value):
        return "1 document" if len(value) == 1 else f"{len(value)} documents"
    if isinstance(value, list) and value and all(isinstance(i, Message) for i in value):
        return "1 message" if len(value) == 1 else f"{len(value)} messages"
    if value is None:
        return "nothing"
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
    if isinstance(value, Message):
        return f"{value.role}: {value.content}"
    if isinstance(value, list) and value and isinstance(value[0], (Document, Message)):
        return "\n\n".join(as_text(item) for item in value)
    return json.dumps(encode(value), ensure_ascii=False, indent=2)


# --- stored form --------------------------------------------------------------------------------


def encode(value: Any) -> JsonValue:
    """The JSON form of a value. Models carry a `$type` tag; the reverse is `decode`."""
    if isinstance(value, Value):
        return {TAG: value.tag(), **value.model_dump(mode="json")}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        body: dict[str, JsonValue] = {str(k): encode(v) for k, v in value.items()}
        return {TAG: "json", "value": body} if TAG in body else body
    return typing.cast(JsonValue, value)


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
    known = {**VALUE_TYPES, **(types or {})}
    if tag not in known:
        raise ValueError(f"A stored value is of type {tag!r}, which no installed node knows.")
    return known[tag].model_validate({k: v for k, v in data.items() if k != TAG})


VALUE_TYPES: Mapping[str, type[Value]] = {
    cls.tag(): cls for cls in (Message, Document, FileRef, SecretRef)
}


def content_hash(value: Any) -> str:
    """SHA-256 (hex) of what a value says. Descriptions count with the files they name."""
    return hashlib.sha256(canonical(_content(value)).encode("utf-8", "surrogatepass")).hexdigest()


def canonical(data: Any) -> str:
    """JSON text that is equal exactly when the data is."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _content(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.content_key()
    if isinstance(value, list):
        return [_content(item) for item in value]
    if isinstance(value, dict):
        return {key: _content(item) for key, item in value.items()}
    return encode(value)
