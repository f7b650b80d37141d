"""What a value on a wire is, and its stored form. Values are plain and frozen, never live."""

from __future__ import annotations

import hashlib
import json
import threading
import typing
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue

_BUILDING = threading.RLock()


class Deferred(BaseModel):
    """A model whose validator is built when it is first used, by one thread at a time.

    Pydantic 2.12 has each thread build it, and meanwhile takes the schema of the class above for
    its own: a page that was opened beside another found no params in a node.
    """

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def model_rebuild(
        cls,
        *,
        force: bool = False,
        raise_errors: bool = True,
        _parent_namespace_depth: int = 2,
        _types_namespace: Any = None,
    ) -> bool | None:
        """Build it, where nobody has."""
        with _BUILDING:
            return super().model_rebuild(
                force=force,
                raise_errors=raise_errors,
                _parent_namespace_depth=_parent_namespace_depth + 1,
                _types_namespace=_types_namespace,
            )

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Its JSON Schema."""
        with _BUILDING:
            return super().model_json_schema(*args, **options)


TAG = "$type"
"""The key that marks an encoded model among plain JSON."""


class Value(Deferred):
    """A small frozen model that may travel on a wire. Its fields may hold other values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wire: ClassVar[str] = ""
    """The port type, for those that a port may be annotated with."""

    @classmethod
    def tag(cls) -> str:
        """The stable name of this type in stored values."""
        return cls.__name__.lower()

    def content_key(self) -> JsonValue:
        """What results depend on: this value, with the hashes of the files that it names."""
        nested = set(nested_fields(type(self)))
        body = in_order(self.model_dump(mode="json", exclude=nested))
        return {TAG: self.tag(), **body, **{n: content(held) for n, held in nested_values(self)}}


class Picture(Value):
    """A picture; `data` is its file in base64, `alt` what it shows in words."""

    wire: ClassVar[str] = "picture"

    media: Literal["image/png", "image/jpeg", "image/webp", "image/gif"]
    data: str
    alt: str = ""

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.data) * 3 // 4 - self.data[-2:].count("=")


def _empty(held: object) -> bool:
    return not held


class Message(Value):
    """One chat message, in the roles every chat API shares.

    `pictures` go with what a user says. A message without any is stored as it was before there
    were pictures, so that its hash is the same.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    pictures: tuple[Picture, ...] = Field((), exclude_if=_empty)


class Document(Value):
    """A piece of text with where it came from and, once retrieved, how well it matched."""

    text: str
    metadata: dict[str, JsonValue] = {}
    score: float | None = None


class FileRef(Value):
    """A file by path and content, so that a changed file is a changed value.

    `size` is in bytes, `sha256` in hex.
    """

    wire: ClassVar[str] = "file"

    path: str
    sha256: str
    size: int


class SecretRef(Value):
    """The name of a secret. The value is looked up when a node runs and is never stored."""

    secret: str


@lru_cache(maxsize=1024)
def nested_fields(cls: type[Value]) -> tuple[str, ...]:
    """The fields that hold other values, alone or in a tuple, list or dict."""
    return tuple(
        name for name, field in cls.model_fields.items() if any(_value_types(field.annotation))
    )


def nested_values(value: Value) -> Iterator[tuple[str, Any]]:
    """The fields of a value that hold others, each with what it holds, as far as they are said."""
    fields = type(value).model_fields
    for name in nested_fields(type(value)):
        held, unsaid = getattr(value, name), fields[name].exclude_if
        if unsaid is None or not unsaid(held):
            yield name, held


def _value_types(annotation: Any) -> Iterator[type[Value]]:
    if isinstance(annotation, type) and issubclass(annotation, Value):
        yield annotation
    for part in get_args(annotation):
        yield from _value_types(part)


def is_number(value: object) -> bool:
    """Whether a value is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def values_in(held: Any) -> Iterator[Value]:
    """The values in a field: itself, or those in a tuple, list or dict."""
    if isinstance(held, Value):
        yield held
    elif isinstance(held, (list, tuple)):
        for item in held:
            yield from values_in(item)
    elif isinstance(held, dict):
        yield from values_in(list(held.values()))


def secrets_in(value: Value) -> Iterator[SecretRef]:
    """The secrets that a value names, itself or in what it holds."""
    if isinstance(value, SecretRef):
        yield value
    for name in nested_fields(type(value)):
        for inner in values_in(getattr(value, name)):
            yield from secrets_in(inner)


# --- stored form --------------------------------------------------------------------------------


_AS_THEY_ARE = frozenset({str, int, float, bool, type(None)})
"""Types whose stored form is the value itself."""


def encode(value: Any) -> JsonValue:
    """The JSON form of a value. Models carry a `$type` tag; `values.decode` reads it."""
    if type(value) in _AS_THEY_ARE:
        return typing.cast(JsonValue, value)
    if isinstance(value, Value):
        nested = nested_fields(type(value))
        body = value.model_dump(mode="json", exclude=set(nested) if nested else None)
        return {TAG: value.tag(), **body, **{n: encode(held) for n, held in nested_values(value)}}
    if isinstance(value, (list, tuple)):
        same = _AS_THEY_ARE  # a list of many short ones is the usual case
        return [item if type(item) in same else encode(item) for item in value]
    if isinstance(value, dict):
        plain: dict[str, JsonValue] = {str(k): encode(v) for k, v in value.items()}
        return {TAG: "json", "value": plain} if TAG in plain else plain
    return typing.cast(JsonValue, value)


def content_hash(value: Any) -> str:
    """SHA-256 (hex) of what a value says. Descriptions count with the files they name."""
    return hashlib.sha256(canonical(content(value)).encode("utf-8", "surrogatepass")).hexdigest()


def canonical(data: Any) -> str:
    """JSON text that is equal exactly when the data is."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are written the same, white space aside.

    Python finds 1, 1.0 and true equal, 0.0 and -0.0, and objects in any order of their keys; a
    file, a prompt that shows them and a model that fills in a schema do not.
    """
    stack = [(one, other)]
    while stack:
        a, b = stack.pop()
        if a is b:
            continue
        if type(a) is not type(b):
            return False
        if isinstance(a, dict):
            if list(a) != list(b):
                return False
            stack.extend((a[key], b[key]) for key in a)
        elif isinstance(a, list):
            if len(a) != len(b):
                return False
            stack.extend(zip(a, b, strict=True))
        elif a != b or (isinstance(a, float) and repr(a) != repr(b)):
            return False
    return True


def content(value: Any) -> Any:
    """The JSON form of a value with every description by its content."""
    if isinstance(value, Value):
        return value.content_key()
    if isinstance(value, (list, tuple)):
        same = _AS_THEY_ARE
        return [item if type(item) in same else content(item) for item in value]
    if isinstance(value, dict):
        return _with_order({key: content(item) for key, item in value.items()})
    return encode(value)


def in_order(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of a model, whose own order says nothing, with the order inside of each kept."""
    return {name: content(value) for name, value in fields.items()}


def _with_order(said: dict[str, Any]) -> Any:
    """An object so that another order of its keys is another content.

    `canonical` sorts them; but a prompt shows an object as it stands, and a model fills in a
    schema in the order of its properties. Objects that are sorted already stay as they are.
    """
    names = list(said)
    if names == sorted(names) and TAG not in said:
        return said
    return {TAG: "json", "names": names, "value": said}
