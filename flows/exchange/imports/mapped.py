"""A node of another builder, and what it became here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from patchbay.flows.exchange.imports.graph import ForeignNode
from patchbay.flows.exchange.imports.table import TypeSpec


@dataclass(slots=True)
class Mapped:
    """One node there and what it became here."""

    node: ForeignNode
    spec: TypeSpec
    settings: Mapping[str, Any]
    pieces: dict[str, str] = field(default_factory=dict)
    """Name of the piece → id of the node."""
    stub: str = ""
    """The id of its stub, where it has no equal."""
    remembers: bool = False
    """Whether it is given the conversation so far."""
    what: str = field(init=False)
    """How the report calls it."""

    def __post_init__(self) -> None:
        title = self.node.title or self.spec.title or self.node.type
        own = self.node.type.startswith("#")  # a type of ours: where steps became a flow, say
        self.what = title if own or title == self.node.type else f"{title} ({self.node.type})"
