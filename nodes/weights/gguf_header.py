"""Read what we need from the head of a GGUF file, without a library.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import mmap
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

MAGIC = b"GGUF"
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?",
            10: "<Q", 11: "<q", 12: "<d"}  # fmt: skip
_STRING, ARRAY = 8, 9
_LIMIT = 1 << 24
"""No key, text or array of a sane header is longer (bytes or items)."""

TYPES: Mapping[int, str] = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1",
    10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS",
    17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S",
    23: "IQ4_XS", 28: "F64", 29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}  # fmt: skip
"""How the numbers of a tensor are stored, by ggml's number for it."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says of its model, or of its adapter."""

    architecture: str
    context: int
    """Tokens the model was trained to take in; 0 where it does not say."""
    cache_bytes: int
    """Bytes of key-value cache per token (16-bit); 0 where it does not say."""
    name: str = ""
    is_adapter: bool = False
    layers: int = 0
    width: int = 0
    """Numbers that stand for one token between layers."""
    heads: int = 0
    shared_heads: int = 0
    """Heads of keys and values, each of which several of the heads share."""
    vocabulary: int = 0
    """Tokens that the model knows; 0 where it does not say."""
    parameters: int = 0
    """Numbers in all tensors together."""
    precision: str = ""
    """How most of them are stored, such as Q4_1."""
    alpha: float = 0.0
    """Of a LoRA adapter: its strength is alpha / rank."""
    tokenizer: str = ""
    """The kind of its tokenizer, such as gpt2 for byte pairs; empty where it has none."""
    pre: str = ""
    """The name of the rule by which text is cut before pairs are merged."""
    blanks: bool = True
    """Of SentencePiece: whether a stretch of text begins with a blank."""
    shapes: Mapping[str, tuple[int, ...]] | None = None
    """Tensor → its shape, of an adapter's and of a model's, fastest dimension first."""


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
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return Reader(data).header()
    except (OSError, ValueError, TypeError, ArithmeticError, IndexError, struct.error):
        return None


class Reader:
    """Reads on from where it stands."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._at = data, 0

    def begin(self) -> tuple[int, int]:
        """The number of tensors, and of keys."""
        if self._bytes(4) != MAGIC:
            raise ValueError("not a GGUF file")
        version, tensors, count = self._number("<I"), self._number("<Q"), self._number("<Q")
        if version < 2 or count > 100_000 or tensors > 1_000_000:
            raise ValueError("an unknown GGUF version")
        return tensors, count

    def header(self) -> Header:
        """The head of the file."""
        tensors, count = self.begin()
        values = dict(self._entry() for _ in range(count))
        architecture = str(values.get("general.architecture", ""))
        own = {k.removeprefix(architecture + "."): v for k, v in values.items()}
        shapes, types = self._tensors(tensors)
        most = types.most_common(1)
        return Header(
            architecture,
            int(own.get("context_length", 0)),
            _cache_bytes(own),
            name=str(values.get("general.name", "")),
            is_adapter=values.get("general.type") == "adapter",
            layers=int(own.get("block_count", 0)),
            width=int(own.get("embedding_length", 0)),
            heads=_most(own.get("attention.head_count", 0)),
            shared_heads=_most(own.get("attention.head_count_kv", 0)),
            vocabulary=int(values.get("tokenizer.ggml.tokens") or own.get("vocab_size", 0)),
            parameters=types.total(),
            precision=TYPES.get(most[0][0], f"type {most[0][0]}") if most else "",
            alpha=float(values.get("adapter.lora.alpha", 0)),
            tokenizer=str(values.get("tokenizer.ggml.model", "")),
            pre=str(values.get("tokenizer.ggml.pre", "")),
            blanks=bool(values.get("tokenizer.ggml.add_space_prefix", True)),
            shapes=shapes,
        )

    def _entry(self) -> tuple[str, Any]:
        key = self._text()
        kind = self._number("<I")
        if key.startswith("tokenizer.") and kind == ARRAY:
            return key, self._skip_array()
        return key, self._value(kind)

    def _tensors(self, count: int) -> tuple[dict[str, tuple[int, ...]], Counter[int]]:
        shapes: dict[str, tuple[int, ...]] = {}
        types: Counter[int] = Counter()
        for _ in range(count):
            name = self._text()
            dimensions = self._number("<I")
            if dimensions > 8:
                raise ValueError("a tensor of too many dimensions")
            shapes[name] = tuple(self._number("<Q") for _ in range(dimensions))
            types[self._number("<I")] += math.prod(shapes[name])
            self._at += 8
        return shapes, types

    # --- the pieces -------------------------------------------------------------------------

    def _bytes(self, size: int) -> bytes:
        found = self._data[self._at : self._at + size]
        if len(found) != size:
            raise ValueError("the file ends here")
        self._at += size
        return found

    def _number(self, form: str) -> Any:
        (found,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return found

    def _text(self) -> str:
        length = self._number("<Q")
        if length > _LIMIT:
            raise ValueError("a text that is too long")
        return self._bytes(length).decode("utf-8", "replace")

    def _value(self, kind: int) -> Any:
        if kind in _SCALARS:
            return self._number(_SCALARS[kind])
        if kind == _STRING:
            return self._text()
        if kind == ARRAY:
            inner, count = self._array()
            return [self._value(inner) for _ in range(count)]
        raise ValueError(f"unknown value type {kind}")

    def _array(self) -> tuple[int, int]:
        inner, count = self._number("<I"), self._number("<Q")
        if count > _LIMIT or inner == ARRAY:
            raise ValueError("an array that is too long or nested")
        return inner, count

    def _skip_array(self) -> int:
        """Go past an array, which for a vocabulary is long; gives the number of its items."""
        inner, count = self._array()
        if inner in _SCALARS:
            self._at += count * struct.calcsize(_SCALARS[inner])
            return count
        data, at, length_of = self._data, self._at, struct.Struct("<Q").unpack_from
        for _ in range(count):
            (length,) = length_of(data, at)
            if length > _LIMIT:
                raise ValueError("a text that is too long")
            at += 8 + length
        self._at = at
        return count


def _cache_bytes(own: dict[str, Any]) -> int:
    layers, heads = own.get("block_count", 0), own.get("attention.head_count", 0)
    if not layers or not heads:
        return 0
    head = own.get("embedding_length", 0) // _most(heads)
    key = own.get("attention.key_length", head)
    value = own.get("attention.value_length", head)
    shared = own.get("attention.head_count_kv", heads)
    total = sum(shared) if isinstance(shared, list) else shared * layers
    return int(total * (key + value) * 2)


def _most(heads: Any) -> int:
    """Some models have another number in each layer."""
    return int(max(heads) if isinstance(heads, list) else heads)
