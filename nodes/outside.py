"""What the params of a node name outside of its flow: files, folders, models, other flows.

What counts is the widget that a param declares, never what its value looks like; and what the node
says of params that name a file in another form (`Node.files`).
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from patchbay.nodes.contract import Node


@typing.runtime_checkable
class Brought(Protocol):
    """A part of a description that is made of files by a reference: an adapter."""

    def ships(self) -> bool:
        """Whether it comes with Patchbay."""

    def here(self) -> Path | None:
        """Where it lies; None where it has to be fetched, or is missing."""


WIDGETS = ("file", "folder", "model", "adapter", "flow")
"""Widgets whose value is a name of something outside."""


def named_outside(node: type[Node], params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each name, with the widget that says what it is a name of.

    Also names in lists, in the records of a table, and in the defaults of flow inputs.

    Args:
        node: the kind.
        params: as they are stored, right or not; what is missing counts by its default.
    """
    yield from _named(node.Params, params)
    try:
        checked = node.Params.model_validate(params)
    except ValidationError:
        return
    yield from (("file", text) for text in node.files(checked))
    asked = node.flow_input(checked)
    if asked and asked.kind in ("file", "documents"):
        yield from (("file", text) for text in _texts(asked.default))


def _named(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        value = values.get(name, field.get_default(call_default_factory=True))
        extra = field.json_schema_extra
        widget = extra.get("widget") if isinstance(extra, dict) else None
        if widget in WIDGETS:
            yield from ((str(widget), text) for text in _texts(value))
        for record in _records(field.annotation):
            for item in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(item, Mapping):
                    yield from _named(record, item)


def _records(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _records(inner)


def _texts(value: Any) -> Iterable[str]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return [text for text in values if isinstance(text, str) and text.strip()]
