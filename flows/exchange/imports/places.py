"""Where the nodes of an imported flow lie on the canvas."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering


def left_of(lowering: Lowering) -> tuple[float, float] | None:
    """A place before all nodes; None where there are none."""
    places = list(lowering.draft.layout.values())
    if not places:
        return None
    left = min(place.x for place in places)
    return left - 360, sum(place.y for place in places) / len(places)


def tidy_places(lowering: Lowering) -> None:
    """Have no node lie on another one, and forget the places of those that are gone."""
    layout = lowering.draft.layout
    _spread(lowering)
    for name in [name for name in layout if not _there(lowering, name)]:
        del layout[name]


WIDE, HIGH = 270, 150
"""Canvas pixels that a node has for itself."""


def _spread(lowering: Lowering) -> None:
    """Move nodes down that would lie on another one."""
    taken: dict[int, list[tuple[float, float]]] = {}
    for name, place in lowering.draft.layout.items():
        if name not in lowering.draft.nodes:
            continue
        x, y = place.x, place.y
        for _ in range(60):
            hit = _hit(taken, x, y)
            if hit is None:
                break
            y = int(hit) + HIGH
        insort(taken.setdefault(int(x // WIDE), []), (y, x))
        if y != place.y:
            lowering.draft.layout[name] = place._replace(y=y)


def _hit(taken: Mapping[int, list[tuple[float, float]]], x: float, y: float) -> float | None:
    """How high a node lies that would be lain on; None where there is room.

    Each column is sorted by height: y, then x.
    """
    column = int(x // WIDE)
    for beside in (column - 1, column, column + 1):
        lying = taken.get(beside)
        if lying is None:
            continue
        for at in range(bisect_right(lying, (y - HIGH, math.inf)), len(lying)):
            high, wide = lying[at]
            if high >= y + HIGH:
                break
            if abs(wide - x) < WIDE:
                return high
    return None


def _there(lowering: Lowering, name: str) -> bool:
    return name in lowering.draft.nodes or any(note.id == name for note in lowering.draft.notes)
