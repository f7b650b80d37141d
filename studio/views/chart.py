"""A chart as a Vega-Lite specification: pure, with the points inside and nothing to fetch.

Fields are renamed to `x`, `y`, `series`, `low` and `high`, since Vega reads dots and brackets in
names as paths; people see the titles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from patchbay.flows.wording import plural
from patchbay.nodes.figures import cell_text
from patchbay.studio.plain_text import plain
from patchbay.studio.views.labels import beside

SHOWN_POINTS = 5000
WRITTEN = 10
"""Rows and columns of a heat map up to which the numbers are written into it."""
EVERY = 30
"""Rows and columns of a heat map up to which each is named."""
LABEL = 150
"""Pixels of a name beside a heat map, at most."""
WIDE = 14
"""Letters of a label from which on bars lie, so that it can be read without turning the head."""

COLORS = [
    "#5b6ee1", "#f0883e", "#2aa198", "#d65a8a", "#a371f7", "#8a9a3b", "#4aa3df", "#b5835a",
]  # fmt: skip
"""Of series, in order: told apart on white and on black."""

ChartSpec = dict[str, Any]


def show_chart(value: Mapping[str, Any], key: str) -> None:
    """Draw a chart in the page's theme."""
    if title := value.get("title"):
        st.markdown(f"**{plain(title)}**")
    rows = value.get("rows") or []
    if not rows:
        st.caption("A chart without points.")
        return
    st.vega_lite_chart(spec_of(value), key=f"{key}:chart", width="stretch")
    if len(rows) > SHOWN_POINTS:
        st.caption(f"The first {SHOWN_POINTS:,} of {plural(len(rows), 'point')}.")


def spec_of(value: Mapping[str, Any]) -> ChartSpec:
    """The specification of a stored `patchbay.nodes.figures.Chart`."""
    if value.get("kind") == "heat":
        return heat_spec(value)
    points = _points(value)
    kind = value.get("kind", "bar")
    labels = list(dict.fromkeys(str(p["x"]) for p in points))
    lying = kind == "bar" and any(len(label) > WIDE for label in labels)
    series = list(dict.fromkeys(p["series"] for p in points if "series" in p))
    across = _across(value, points, kind)
    along = {
        "field": "y", "type": "quantitative", "title": _title(value, "y"),
        "scale": {"zero": kind == "bar"},
    }  # fmt: skip
    sides = ("y", "x") if lying else ("x", "y")
    encoding: ChartSpec = {sides[0]: across, sides[1]: along, "tooltip": _tooltip(value)}
    if series:
        encoding["color"] = {
            "field": "series", "type": "nominal", "sort": None,
            "scale": {"range": COLORS}, "title": value.get("color"),
            "legend": {"orient": "bottom", "columns": 2},
        }  # fmt: skip
        if kind == "bar":
            encoding[f"{sides[0]}Offset"] = {"field": "series", "sort": None}
    layers = [{"mark": _mark(kind), "encoding": encoding}]
    if value.get("low") and value.get("high"):
        layers.append(_error_bars(encoding, sides, kind))
    if value.get("label"):
        layers += beside(points, encoding)
    bars = len(labels) * max(1, len(series))
    return {
        "data": {"values": points},
        "layer": layers,
        "height": max(140, 26 * bars + 60) if lying else 340 if value.get("label") else 260,
        "resolve": {"scale": {"color": "shared"}},
    }


def _points(value: Mapping[str, Any]) -> list[ChartSpec]:
    names = {"x": value.get("x"), "y": value.get("y"), "series": value.get("color")}
    names |= {name: value.get(name) for name in ("low", "high", "label")}
    numeric = ("y", "low", "high")
    found = []
    for row in (value.get("rows") or [])[:SHOWN_POINTS]:
        point = {
            name: _number(row.get(field)) if name in numeric else _scalar(row.get(field))
            for name, field in names.items()
            if field
        }
        if "series" in point:
            point["series"] = cell_text(point["series"])
        found.append(point)
    return found


def heat_spec(value: Mapping[str, Any]) -> ChartSpec:
    """A heat map: words on both sides, a number as color, and written where there is room."""
    names = {"x": value.get("x"), "y": value.get("y"), "number": value.get("color")}
    cells = [
        {
            "x": cell_text(row.get(names["x"])), "y": cell_text(row.get(names["y"])),
            "number": _number(row.get(names["number"])),
        }
        for row in (value.get("rows") or [])[:SHOWN_POINTS]
    ]  # fmt: skip
    names_of = {side: {str(cell[side]) for cell in cells} for side in ("x", "y")}
    sides = [len(names_of[side]) for side in ("x", "y")]
    every = {"labelOverlap": max(sides) > EVERY}
    axis = {"labelLimit": LABEL, "labelAngle": -40, **every}
    encoding: ChartSpec = {
        "x": {"field": "x", "type": "nominal", "sort": None, "title": None, "axis": axis},
        "y": {
            "field": "y",
            "type": "nominal",
            "sort": None,
            "title": None,
            "axis": {"labelLimit": LABEL, **every},
        },
        "tooltip": [
            {"field": "x", "title": _harmless(_title(value, "x"))},
            {"field": "y", "title": _harmless(_title(value, "y"))},
            {"field": "number", "title": _harmless(str(names["number"])), "format": ".3f"},
        ],
    }
    color = {
        "field": "number", "type": "quantitative", "title": names["number"],
        "scale": {"scheme": "viridis"}, "legend": {"orient": "bottom", "gradientLength": 130},
    }  # fmt: skip
    layers: list[ChartSpec] = [{"mark": "rect", "encoding": {**encoding, "color": color}}]
    if max(sides, default=0) <= WRITTEN:
        words = {"field": "number", "type": "quantitative", "format": ".2f"}
        bright = f"datum.number > {_bright(cells)}"
        ink = {"condition": {"test": bright, "value": "#000000"}, "value": "#ffffff"}
        written = {**encoding, "text": words, "color": ink}
        layers.append({"mark": {"type": "text", "fontSize": 10}, "encoding": written})
    longest = max((len(name) for name in names_of["x"]), default=0)
    below = min(LABEL, 6 * longest) * 0.65 + 90  # labels that lie aslant, and the legend
    return {"data": {"values": cells}, "layer": layers, "height": round(30 * sides[1] + below)}


def _bright(cells: Sequence[ChartSpec]) -> float:
    """The number from which on a cell is so bright that only black is read on it."""
    numbers = [float(cell["number"]) for cell in cells if cell["number"] is not None] or [0.0]
    return min(numbers) + 0.55 * (max(numbers) - min(numbers))


def _scalar(cell: Any) -> Any:
    return cell if isinstance(cell, (int, float)) else cell_text(cell)


def _number(cell: Any) -> float | int | None:
    return cell if isinstance(cell, (int, float)) and not isinstance(cell, bool) else None


def _across(value: Mapping[str, Any], points: Sequence[ChartSpec], kind: str) -> ChartSpec:
    """The axis of `x`: numbers on a scale, except under bars; anything else in its own order."""
    scaled = kind != "bar" and all(_number(p["x"]) is not None for p in points)
    if scaled:
        return {
            "field": "x", "type": "quantitative", "title": _title(value, "x"),
            "scale": {"zero": False},
        }  # fmt: skip
    return {
        "field": "x", "type": "nominal", "sort": None, "title": _title(value, "x"),
        "axis": {"labelLimit": 160, "labelAngle": 0, "labelOverlap": True},
    }  # fmt: skip


def _mark(kind: str) -> ChartSpec:
    if kind == "line":
        return {"type": "line", "point": True, "color": COLORS[0]}
    more = {"filled": True, "size": 70} if kind == "point" else {}
    return {"type": kind, "color": COLORS[0], **more}


def _error_bars(encoding: ChartSpec, sides: tuple[str, str], kind: str) -> ChartSpec:
    shared = {k: v for k, v in encoding.items() if k in (sides[0], f"{sides[0]}Offset", "tooltip")}
    shared[sides[1]] = {**encoding[sides[1]], "field": "low"}
    shared[f"{sides[1]}2"] = {"field": "high"}
    mark: ChartSpec = {"type": "rule", "strokeWidth": 2.5}
    if kind == "bar" or "color" not in encoding:
        mark["color"] = "#888888"  # seen on a bar and beside it, on white and on black
    else:
        shared["color"] = encoding["color"]
    return {"mark": mark, "encoding": shared}


def _tooltip(value: Mapping[str, Any]) -> list[ChartSpec]:
    shown = [("series", value.get("color"))] if value.get("color") else []
    shown += [("label", value["label"])] if value.get("label") else []
    shown += [("x", _title(value, "x")), ("y", _title(value, "y"))]
    shown += [(name, value.get(name)) for name in ("low", "high") if value.get(name)]
    return [{"field": field, "title": _harmless(str(title))} for field, title in shown]


def _harmless(title: str) -> str:
    """Vega's tooltip takes a line called `image` for the address of one, and would fetch it."""
    return f"{title} " if title.strip().casefold() in ("image", "title") else title


def _title(value: Mapping[str, Any], axis: str) -> str:
    return str(value.get(f"{axis}_title") or value.get(axis) or "")
