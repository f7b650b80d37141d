"""A flow under construction: nodes, wires, notes and places, with ids that are not taken yet."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from patchbay.flows.document.edit import fresh_id
from patchbay.flows.document.model import Flow, Note
from patchbay.flows.exchange.imports.graph import ForeignGraph
from patchbay.flows.wording import UNSAFE

SPREAD = 1.0
MAX_NOTE = 19_000


def line(text: str, limit: int = 120) -> str:
    """A text as one line without control characters."""
    if not (text.isascii() and text.isprintable()):
        text = UNSAFE.sub(" ", text)
    return text.strip()[:limit]


@lru_cache(maxsize=4096)
def _base(words: str) -> str:
    """The id that words would have; titles come again and again."""
    return fresh_id(words, ())


class Spot(NamedTuple):
    """Where something lies on the canvas, in its pixels, and its size where it has one."""

    x: int
    y: int
    w: float | None = None
    h: float | None = None

    def sides(self) -> dict[str, float]:
        """As a flow writes it."""
        if self.w is None or self.h is None:
            return {"x": self.x, "y": self.y}
        return self._asdict()


class Draft:
    """Nodes and wires that come together piece by piece."""

    def __init__(self) -> None:
        self.nodes: dict[str, dict[str, Any]] = {}
        self.edges: list[tuple[str, str]] = []
        self.notes: list[Note] = []
        self.layout: dict[str, Spot] = {}
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._joined: set[tuple[str, str]] = set()

    def fresh(self, words: str) -> str:
        """An id that is not taken; in one look, also among thousands of equal names."""
        base = _base(words)
        number = self._numbers.get(base, 0) + 1
        candidate = base if number == 1 else f"{base}-{number}"
        while candidate in self._taken:
            number += 1
            candidate = f"{base}-{number}"
        self._numbers[base] = number
        self._taken.add(candidate)
        return candidate

    def add(
        self,
        words: str,
        kind: str,
        params: Mapping[str, Any],
        at: tuple[float, float] | None = None,
        *,
        title: str = "",
        disabled: bool = False,
    ) -> str:
        """Add a node; its id."""
        made = self.fresh(words)
        self.nodes[made] = {
            "id": made,
            "kind": kind,
            "version": 1,
            "params": dict(params),
            "disabled": disabled,
            "title": line(title) or None,
        }
        if at is not None:
            self.layout[made] = Spot(round(at[0]), round(at[1]))
        return made

    def wire(self, source: str, target: str) -> None:
        """Add a wire, once."""
        if (source, target) not in self._joined:
            self._joined.add((source, target))
            self.edges.append((source, target))

    def unwire(self, source: str, target: str) -> None:
        """Take a wire away."""
        self._joined.discard((source, target))
        self.edges.remove((source, target))

    def note(
        self,
        text: str,
        at: tuple[float, float] | None,
        size: tuple[float, float] | None = None,
        color: Any = "yellow",
    ) -> None:
        """Add a sticky note."""
        made = self.fresh("note")
        kept = text if len(text) <= MAX_NOTE else text[:MAX_NOTE] + " …"
        self.notes.append(Note(id=made, text=kept, color=color))
        if at is not None:
            wide, high = size or (None, None)
            self.layout[made] = Spot(round(at[0]), round(at[1]), wide, high)

    def flow(self, graph: ForeignGraph) -> Flow:
        """The flow."""
        whole = {
            "name": line(graph.name, 200) or "Imported flow",
            "description": graph.description[:19_000],
            "nodes": list(self.nodes.values()),
            "edges": [{"from": source, "to": target} for source, target in self.edges],
            "notes": self.notes,
            "layout": {name: spot.sides() for name, spot in self.layout.items()},
        }
        return Flow.model_validate(whole)  # at once: one call checks thousands of nodes
