"""Conditions on the metadata of chunks."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from patchbay.nodes.contract import JsonValue, NodeParams
from patchbay.nodes.numbers import number_in
from patchbay.nodes.text.patterns import fits

Relation = Literal["is", "is not", "contains", "like", "at least", "at most"]


class MetadataFilter(NodeParams):
    """What the metadata of a chunk must say."""

    field: str = Field(min_length=1, max_length=200)
    """The name in the metadata: source, page, heading, …"""
    relation: Relation = "is"
    """How it compares; `like` takes * for anything; no other sign is special."""
    value: str = Field(max_length=10_000)
    """With what: a text, or a number."""


def matches(metadata: Mapping[str, JsonValue], conditions: Sequence[MetadataFilter]) -> bool:
    """Whether all conditions hold. What a chunk does not say is not anything, nor at least it."""
    return all(
        _RELATIONS[c.relation](metadata.get(c.field), c.value)
        if c.field in metadata
        else c.relation == "is not"
        for c in conditions
    )


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return unicodedata.normalize("NFC", text)  # macOS writes file names decomposed


def _folded(value: Any) -> str:
    return _text(value).casefold()


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return number_in(value)
    return float(value) if isinstance(value, int | float) else None


def _same(found: Any, value: str) -> bool:
    if isinstance(found, int | float) and not isinstance(found, bool):
        return _number(value) == found
    return _text(found) == _text(value)


def _compare(found: Any, value: str, fits: Callable[[Any, Any], bool]) -> bool:
    """As numbers where both are; as texts otherwise, which is right for dates like 2025-01-31."""
    one, other = _number(found), _number(value)
    if one is not None and other is not None:
        return fits(one, other)
    return fits(_text(found), _text(value))


_RELATIONS: Mapping[Relation, Callable[[Any, str], bool]] = {
    "is": _same,
    "is not": lambda found, value: not _same(found, value),
    "contains": lambda found, value: _folded(value) in _folded(found),
    "like": lambda found, value: fits(_folded(found), _folded(value)),
    "at least": lambda found, value: _compare(found, value, lambda a, b: bool(a >= b)),
    "at most": lambda found, value: _compare(found, value, lambda a, b: bool(a <= b)),
}
