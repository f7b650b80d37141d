"""Names beside the points of a chart, where there is room for them.

A name stands to the right of its point, else to the left, above or below, wherever it lies on no
other name and no other point; where there is no room it is left to the tooltip. One is placed after
the other: the greedy algorithm of Christensen, Marks & Shieber 1995, "An empirical study of
algorithms for point-feature label placement".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NameBox = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""

PLANE = (260.0, 230.0)
"""The least room for points in pixels, as on a page with a panel beside it."""
LETTER, LINE, GAP = 6.2, 13.0, 7.0
"""Pixels of a letter and of a line, and between a point and its name."""
LONGEST = 22
"""Letters of a name that are shown."""
MOST = 60
"""Points up to which names are shown at all."""

_MARKS: Mapping[str, dict[str, Any]] = {
    "right": {"align": "left", "dx": GAP},
    "left": {"align": "right", "dx": -GAP},
    "above": {"align": "center", "dy": -GAP - 4},
    "below": {"align": "center", "dy": GAP + 5},
}


def beside(points: Sequence[dict[str, Any]], encoding: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The layers of a chart that name its points; each point is told where its name stands."""
    for point, side in zip(points, sides_of(points), strict=True):
        point["side"] = side
        point["name"] = shortened(str(point.get("label", "")))
    shared = {k: v for k, v in encoding.items() if k in ("x", "y", "tooltip")}
    return [
        {
            "transform": [{"filter": f"datum.side === '{side}'"}],
            "mark": {"type": "text", "color": "#888888", **mark},
            "encoding": {**shared, "text": {"field": "name"}},
        }
        for side, mark in _MARKS.items()
        if any(point["side"] == side for point in points)
    ]


def shortened(name: str) -> str:
    """A name as it is shown."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip() + "…"


def sides_of(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where the name of each point stands; "" for nowhere."""
    if len(points) > MOST or not all(_placed(point) for point in points):
        return ["right" if len(points) <= MOST else ""] * len(points)
    places = list(_on_the_plane(points))
    taken: list[NameBox] = [(x - 4, y - 4, x + 4, y + 4) for x, y in places]
    sides = []
    for (x, y), point in zip(places, points, strict=True):
        width = LETTER * len(shortened(str(point.get("label", ""))))
        for side in _MARKS:
            box = _box(side, x, y, width)
            within = box[0] >= -30 and box[2] <= PLANE[0] + 15
            if within and not any(_meet(box, other) for other in taken):
                taken.append(box)
                sides.append(side)
                break
        else:
            sides.append("")
    return sides


def _placed(point: Mapping[str, Any]) -> bool:
    return all(isinstance(point.get(axis), (int, float)) for axis in ("x", "y"))


def _on_the_plane(points: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, float]]:
    spans = []
    for axis in ("x", "y"):
        values = [float(point[axis]) for point in points]
        spans.append((min(values), (max(values) - min(values)) or 1.0))
    for point in points:
        across = (float(point["x"]) - spans[0][0]) / spans[0][1] * PLANE[0]
        down = (1 - (float(point["y"]) - spans[1][0]) / spans[1][1]) * PLANE[1]
        yield across, down


def _box(side: str, x: float, y: float, width: float) -> NameBox:
    half = LINE / 2
    match side:
        case "right":
            return (x + GAP, y - half, x + GAP + width, y + half)
        case "left":
            return (x - GAP - width, y - half, x - GAP, y + half)
        case "above":
            return (x - width / 2, y - GAP - LINE, x + width / 2, y - GAP)
    return (x - width / 2, y + GAP, x + width / 2, y + GAP + LINE)


def _meet(one: NameBox, other: NameBox) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
