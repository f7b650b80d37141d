"""Two people add a node at once, both browsers call it `ask`: the second becomes `ask-2`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from patchbay.flows.document.edit import fresh_id, ids
from patchbay.flows.document.model import Flow
from patchbay.flows.document.operations import (
    AddGroup,
    AddNode,
    AddNote,
    Batch,
    dump_operation,
    parse_operation,
)


@dataclass(slots=True)
class Aliases:
    """What a client's ids are called here, for edits it made before it could know."""

    known: dict[str, tuple[str, int]] = field(default_factory=dict)
    """The client's id → the id here, and since which revision."""

    def resolve(self, op: Any, at: int, flow: Flow) -> tuple[Any, dict[str, str]]:
        """The operation with ids as they are here, and what was renamed.

        Args:
            op: the operation as the client sent it.
            at: the revision the client had when it made the edit.
            flow: the flow that the operation will meet.
        """
        renames = {old: new for old, (new, since) in self.known.items() if at < since}
        taken = ids(flow) | set(renames.values())
        for wanted in added_ids(op):
            if wanted in taken:
                renames[wanted] = fresh_id(re.sub(r"-\d+$", "", wanted), taken)
            taken.add(renames.get(wanted, wanted))
        if not renames:
            return op, {}
        data = dump_operation(op)
        renamed = rename(data, renames)
        return (parse_operation(renamed), renames) if renamed != data else (op, {})

    def remember(self, renames: Mapping[str, str], revision: int) -> None:
        """These ids are called differently since `revision`."""
        for old, new in renames.items():
            if self.known.get(old, ("", 0))[0] != new:
                self.known[old] = (new, revision)


def added_ids(op: Any) -> list[str]:
    """The ids that an operation claims."""
    if isinstance(op, Batch):
        return [new for inner in op.ops for new in added_ids(inner)]
    if isinstance(op, AddNode):
        return [op.node.id]
    if isinstance(op, AddNote):
        return [op.note.id]
    return [op.group.id] if isinstance(op, AddGroup) else []


_ID_FIELDS = {"id", "note", "group"}
_END_FIELDS = {"from", "to"}
_LIST_FIELDS = {"nodes", "notes", "groups"}
_MAP_FIELDS = {"places", "layout"}
_OPAQUE = {"params", "run", "text", "title", "label", "description", "name", "kind"}


def rename(data: Any, names: Mapping[str, str]) -> Any:
    """An operation's JSON with ids replaced, and nothing but ids."""
    if isinstance(data, list):
        return [rename(item, names) for item in data]
    if not isinstance(data, dict):
        return data
    return {key: _field(key, value, names) for key, value in data.items()}


def _field(key: str, value: Any, names: Mapping[str, str]) -> Any:
    if key in _OPAQUE:
        return value
    if isinstance(value, str) and (key in _ID_FIELDS or key == "node"):
        return names.get(value, value)
    if isinstance(value, str) and key in _END_FIELDS:
        node, _, port = value.partition(".")
        return f"{names.get(node, node)}.{port}"
    if key in _LIST_FIELDS and isinstance(value, list):
        return [names.get(v, v) if isinstance(v, str) else rename(v, names) for v in value]
    if key in _MAP_FIELDS and isinstance(value, dict):
        return {names.get(k, k): v for k, v in value.items()}
    return rename(value, names)
