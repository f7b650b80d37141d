"""Read what we need from the head of a GGUF file, without a library."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"GGUF"
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?",
            10: "<Q", 11: "<q", 12: "<d"}  # fmt: skip
_STRING, _ARRAY = 8, 9
_LIMIT = 1 << 24
"""No key, text or array of a sane header is longer (bytes or items)."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says of its model."""

    architecture: str
    context: int
    """Tokens the model was trained to take in; 0 where it does not say."""
    cache_bytes: int
    """Bytes of key-value cache per token (16-bit); 0 where it does not say."""


def read_header(path: Path) -> Header | None:
    """The header, or None where the file is not a readable GGUF."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return _read(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _read(path: Path, size: int, mtime_ns: int) -> Header | None:
    try:
        with path.open("rb") as file:
            return _parse(file)
    except (OSError, ValueError, TypeError, ArithmeticError, struct.error):
        return None


def _parse(file: BinaryIO) -> Header:
    if file.read(4) != MAGIC:
        raise ValueError("not a GGUF file")
    version, _tensors, count = struct.unpack("<IQQ", file.read(20))
    if version < 2 or count > 100_000:
        raise ValueError("an unknown GGUF version")
    values: dict[str, Any] = {}
    for _ in range(count):
        key = _text(file)
        if key.startswith("tokenizer."):  # by custom the vocabulary follows; it is long
            break
        values[key] = _value(file, _number(file, "<I"))
    architecture = str(values.get("general.architecture", ""))
    own = {k.removeprefix(architecture + "."): v for k, v in values.items()}
    return Header(architecture, int(own.get("context_length", 0)), _cache_bytes(own))


def _cache_bytes(own: dict[str, Any]) -> int:
    layers, heads = own.get("block_count", 0), own.get("attention.head_count", 0)
    if not layers or not heads:
        return 0
    head = own.get("embedding_length", 0) // (max(heads) if isinstance(heads, list) else heads)
    key = own.get("attention.key_length", head)
    value = own.get("attention.value_length", head)
    shared = own.get("attention.head_count_kv", heads)
    total = sum(shared) if isinstance(shared, list) else shared * layers
    return int(total * (key + value) * 2)


def _number(file: BinaryIO, form: str) -> Any:
    return struct.unpack(form, file.read(struct.calcsize(form)))[0]


def _text(file: BinaryIO) -> str:
    length = _number(file, "<Q")
    if length > _LIMIT:
        raise ValueError("a text that is too long")
    return file.read(length).decode("utf-8", "replace")


def _value(file: BinaryIO, kind: int) -> Any:
    if kind in _SCALARS:
        return _number(file, _SCALARS[kind])
    if kind == _STRING:
        return _text(file)
    if kind == _ARRAY:
        inner, count = struct.unpack("<IQ", file.read(12))
        if count > _LIMIT or inner == _ARRAY:
            raise ValueError("an array that is too long or nested")
        return [_value(file, inner) for _ in range(count)]
    raise ValueError(f"unknown value type {kind}")
