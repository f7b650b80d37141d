"""What a step may give, and how it is stored: nothing becomes something else over a kill."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.values import TAG, Value, decode, encode

Encoder = Callable[[Any], str]
"""Makes JSON text."""

_quoted = json.encoder.encode_basestring_ascii


def _encoder(default: Callable[[Any], Any] | None = None, *, in_order: bool) -> Encoder:
    """What makes compact JSON text. Python's encoder is built anew for each text, which takes
    longer than the text of a small item; where it is of C, one is built for all of them."""
    coder = json.JSONEncoder(sort_keys=in_order, separators=(",", ":"), default=default)
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return coder.encode
    chunks = make(None, coder.default, _quoted, None, ":", ",", in_order, False, True)
    return lambda value: "".join(chunks(value, 0))


_sorted = _encoder(in_order=True)
_wires = _encoder(encode, in_order=True)
_plainly = _encoder(in_order=False)

_PLAIN = (str, bool, int, float, type(None))


def pack(value: Any) -> Any:
    """The JSON form of what a step gave. Tuples, bytes and keys that are no texts stay what they
    are.

    Raises:
        NodeError: it holds what cannot be stored.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, str):
        return str(value)  # LangChain's texts are texts that can also be called
    if kind is list:
        return [pack(item) for item in value]
    if kind is tuple:
        return {TAG: "tuple", "value": [pack(item) for item in value]}
    if kind is dict:
        return _packed_dict(value)
    if isinstance(value, Value):
        return encode(value)
    if kind is bytes:
        return {TAG: "bytes", "value": base64.b64encode(value).decode("ascii")}
    raise NodeError(
        f"A step gave or was given a Python {kind.__name__}, which cannot be recorded.",
        fix="Use texts, numbers, lists, tuples, dictionaries, bytes, or values of a port.",
        code="journal/value",
        retry=False,
    )


def _packed_dict(value: dict[Any, Any]) -> dict[str, Any]:
    if all(type(key) is str for key in value):
        plain = {key: pack(item) for key, item in value.items()}
        return {TAG: "json", "value": plain} if TAG in plain else plain
    return {TAG: "dict", "value": [[pack(key), pack(item)] for key, item in value.items()]}


def unpack(data: Any, types: Mapping[str, type[Value]] | None = None) -> Any:
    """The value of its JSON form.

    Raises:
        ValueError: it is of a type that is not known here.
    """
    if isinstance(data, list):
        return [unpack(item, types) for item in data]
    if not isinstance(data, dict):
        return data
    match data.get(TAG):
        case None:
            return {key: unpack(item, types) for key, item in data.items()}
        case "json":
            return {key: unpack(item, types) for key, item in data["value"].items()}
        case "tuple":
            return tuple(unpack(item, types) for item in data["value"])
        case "dict":
            return {unpack(key, types): unpack(item, types) for key, item in data["value"]}
        case "bytes":
            try:
                return base64.b64decode(data["value"], validate=True)
            except binascii.Error as error:
                raise ValueError(f"Stored bytes cannot be read: {error}") from error
        case _:
            return decode(data, types)


def written(packed: Any) -> str:
    """A packed value as text."""
    return _plainly(packed)


def written_wires(value: Any) -> str:
    """The JSON text of values of ports, as `encode` makes it: at once, where none needs a tag."""
    text = _wires(value)
    return _plainly(encode(value)) if TAG in text else text


def fingerprint(label: str, args: tuple[Any, ...]) -> str:
    """A hash of a step's label and arguments: 1, 1.0 and true are three different ones.

    Raises:
        NodeError: an argument cannot be stored.
    """
    if all(type(arg) is str for arg in args):  # as JSON would be, in a tenth of the time
        text = f"[{_quoted(label)},[{','.join(map(_quoted, args))}]]"
    else:
        text = _sorted([label, [pack(arg) for arg in args]])
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


def item_fingerprint(label: str, digest: str, inputs: str) -> str:
    """`fingerprint(label, (digest, inputs))`, of which only the inputs differ between items."""
    known = _begun(label, digest).copy()
    known.update(f"{_quoted(inputs)}]]".encode("ascii"))
    return str(known.hexdigest())[:32]


@lru_cache(maxsize=64)
def _begun(label: str, digest: str) -> Any:
    return hashlib.sha256(f"[{_quoted(label)},[{_quoted(digest)},".encode("ascii"))
