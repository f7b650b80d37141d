"""What the params of a node name outside of its flow: files, folders, models, other flows.

What counts is the widget that a param declares, never what its value looks like; and what the node
says of params that name a file in another form (`Node.files`). Params of the type
`names.OwnWeights` may name weights that lie beside the flow.
"""

from __future__ import annotations

import os
import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from patchbay.nodes.contract import Node, NodeParams
from patchbay.nodes.home import weights_sent
from patchbay.nodes.names import NamesWeights, records_in


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


def files_named(node: type[Node], params: NodeParams) -> Iterator[str]:
    """The files that checked params name; but for databases (`Node.files`), which others write to
    meanwhile."""
    databases = node.files(params)
    for widget, name in named_outside(node, params.model_dump()):
        if widget == "file" and name not in databases:
            yield name


def _named(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        value = values.get(name, field.get_default(call_default_factory=True))
        extra = field.json_schema_extra
        widget = extra.get("widget") if isinstance(extra, dict) else None
        if widget in WIDGETS:
            yield from ((str(widget), text) for text in _texts(value))
        for record in records_in(field.annotation):
            for item in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(item, Mapping):
                    yield from _named(record, item)


# --- weights beside the flow --------------------------------------------------------------------


_ELSEWHERE = ("hf:", "ollama:")


def beside(
    model: type[BaseModel], values: Mapping[str, Any], folder: Path
) -> dict[str, Any] | None:
    """Params whose relative paths of weights and adapters begin at the flow's folder.

    A path that leads to nothing there stays as it is: `home.weights_path` then looks in the folder
    of this process, where such paths once began.

    Args:
        model: the params of the kind.
        values: as they are stored.
        folder: that the flow is saved in.

    Returns:
        The params with whole paths; None where there is nothing to be changed.
    """
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        value = values.get(name)
        if any(isinstance(mark, NamesWeights) for mark in field.metadata):
            if isinstance(value, str) and (path := _lies(value, folder)):
                found[name] = path
        elif isinstance(value, (list, tuple)):
            for record in records_in(field.annotation):
                value = [
                    (beside(record, item, folder) or item) if isinstance(item, Mapping) else item
                    for item in value
                ]
            if any(new is not old for new, old in zip(value, values[name], strict=True)):
                found[name] = value
    return {**values, **found} if found else None


def weights_said(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[str]:
    """The names of weights and adapters in params that may lie beside the flow."""
    for name, field in model.model_fields.items():
        value = values.get(name)
        if any(isinstance(mark, NamesWeights) for mark in field.metadata):
            if isinstance(value, str):
                yield value
        elif isinstance(value, (list, tuple)):
            for record in records_in(field.annotation):
                for item in value:
                    if isinstance(item, Mapping):
                        yield from weights_said(record, item)


def _lies(text: str, folder: Path) -> str | None:
    if text.startswith(_ELSEWHERE) or not _is_path(text):
        return None
    given = Path(text).expanduser()
    whole = os.path.abspath(folder / given)  # noqa: PTH100 - a link in it stays what it is
    there = os.path.lexists(whole) or whole in weights_sent
    return whole if not given.is_absolute() and there else None


def _is_path(text: str) -> bool:
    return "/" in text or "\\" in text or text.lower().endswith(".gguf")


def _texts(value: Any) -> Iterable[str]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return [text for text in values if isinstance(text, str) and text.strip()]
