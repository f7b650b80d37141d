"""A flow as a picture: boxes, ports and wires worked out once, drawn as SVG or PNG.

Both carry the flow inside them, so that a picture that was passed on can be opened as a flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from patchbay.flows.checks.resolve import ResolvedNode, resolve_once
from patchbay.flows.document.model import Flow, Place
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import Ports

WIDTH, HEAD, ROW, PAD = 220.0, 34.0, 22.0, 8.0
MARGIN = 36.0
FAMILY_COLORS = (  # as on the canvas: blue, green, violet, orange, teal, red, amber, indigo, …
    "#3b7ff0", "#23a566", "#8a5cf0", "#e08a1e", "#17a2a8", "#e0484d", "#c79a10", "#5a67e0",
    "#dd5aa5", "#9a7350", "#7a9f1f", "#2c9bd6",
)  # fmt: skip
TYPE_COLORS: Mapping[str, str] = {
    "text": "#2f9e6e", "number": "#2b7fd4", "json": "#c9821f", "messages": "#17939b",
    "documents": "#d0602b", "file": "#7a7f8c", "any": "#8b90a0", "chat model": "#8a55d6",
    "embeddings": "#c2489b", "retriever": "#b8472f", "adapter": "#a83bb0", "tool": "#4a57cc",
    "agent": "#cf3b40", "task": "#cf5a76", "table": "#1f86bd", "chart": "#6b8c1a",
    "picture": "#8a3f78",
}  # fmt: skip
MARK_COLORS = {"added": "#1f9d57", "removed": "#d23b48", "changed": "#c98a12"}
STATUS_COLORS = {
    "done": "#1f9d57", "cached": "#1f9d57", "failed": "#d23b48", "running": "#3b6fe0",
    "skipped": "#8b90a0", "cancelled": "#8b90a0", "waiting": "#c98a12", "asking": "#c98a12",
}  # fmt: skip
NOTE_COLORS = {
    "yellow": "#fff4c2", "blue": "#dcebff", "green": "#dcf5e3", "pink": "#ffe1ec",
    "gray": "#eceef2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PortDot:
    """A port on the edge of a box."""

    name: str
    x: float
    y: float
    color: str


@dataclass(frozen=True, slots=True)
class Box:
    """A node. `mark` is added, removed or changed, or a status of a run, or nothing."""

    id: str
    title: str
    summary: str
    x: float
    y: float
    w: float
    h: float
    color: str
    disabled: bool
    mark: str
    inputs: tuple[PortDot, ...]
    outputs: tuple[PortDot, ...]


@dataclass(frozen=True, slots=True)
class DrawnWire:
    """A wire."""

    x1: float
    y1: float
    x2: float
    y2: float
    color: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A note, or a group around nodes."""

    text: str
    x: float
    y: float
    w: float
    h: float
    color: str
    is_group: bool = False


@dataclass(frozen=True)
class Drawing:
    """What to draw, in canvas pixels; the corner is at (x, y)."""

    title: str
    x: float
    y: float
    w: float
    h: float
    boxes: tuple[Box, ...]
    lines: tuple[DrawnWire, ...]
    panels: tuple[Panel, ...] = field(default=())

    def svg(self, carried: str = "", *, dark: bool = False) -> str:
        """As SVG text. `carried` is the flow's canonical text."""
        from patchbay.studio.pictures.svg import to_svg

        return to_svg(self, carried, dark=dark)

    def png(self, carried: str = "") -> bytes:
        """As PNG. `carried` is the flow's canonical text."""
        from patchbay.studio.pictures.png import to_png

        return to_png(self, carried)


def draw(
    flow: Flow,
    catalog: Catalog,
    *,
    marks: Mapping[str, str] | None = None,
    line_marks: Mapping[tuple[str, str], str] | None = None,
) -> Drawing:
    """Work the picture of a flow out.

    Args:
        flow: any flow, broken ones too.
        catalog: what is known of its kinds.
        marks: node id → added, removed, changed, or a status of a run.
        line_marks: (from, to) of a wire → added or removed.
    """
    resolved = resolve_once(flow, catalog)
    places = positions(flow)
    colors = family_colors(catalog)
    boxes = {
        node_id: _box(node_id, node, places[node_id], flow, colors, (marks or {}).get(node_id, ""))
        for node_id, node in resolved.nodes.items()
    }
    lines = tuple(_lines(flow, boxes, line_marks or {}))
    panels = (*_groups(flow, boxes), *_notes(flow))
    shapes: list[Box | Panel] = [*boxes.values(), *panels]
    x, y, w, h = _frame([(b.x, b.y, b.w, b.h) for b in shapes])
    return Drawing(flow.name, x, y, w, h, tuple(boxes.values()), lines, panels)


def family_colors(catalog: Catalog) -> dict[str, str]:
    """A colour for each family of nodes, in palette order."""
    families = dict.fromkeys(cls.family for cls in catalog)
    return {name: FAMILY_COLORS[i % len(FAMILY_COLORS)] for i, name in enumerate(families)}


def positions(flow: Flow) -> dict[str, Place]:
    """Where every node lies; those without a place stand in columns, by their distance."""
    placed = {node.id: flow.layout[node.id] for node in flow.nodes if node.id in flow.layout}
    loose = [node.id for node in flow.nodes if node.id not in placed]
    if not loose:
        return placed
    depth = _depths(flow)
    bottom = max((p.y for p in placed.values()), default=-200.0) + 200.0
    filled: dict[int, int] = {}
    for node_id in loose:
        column = depth[node_id]
        row = filled[column] = filled.get(column, -1) + 1
        placed[node_id] = Place(x=column * (WIDTH + 90), y=bottom + row * 170)
    return placed


def _depths(flow: Flow) -> dict[str, int]:
    depth = {node.id: 0 for node in flow.nodes}
    for _ in range(len(depth)):  # enough for the longest way; a cycle just stops there
        moved = False
        for edge in flow.edges:
            source, target = edge.source_node, edge.target_node
            if source in depth and target in depth and depth[target] <= depth[source] < len(depth):
                depth[target], moved = depth[source] + 1, True
        if not moved:
            break
    return depth


def _box(
    node_id: str, node: ResolvedNode, place: Place, flow: Flow, colors: Mapping[str, str], mark: str
) -> Box:
    inputs, outputs = _names(node.inputs), _names(node.outputs)
    for edge in flow.edges:  # ports that wires name although they are not there are drawn as well
        if edge.source_node == node_id:
            outputs.setdefault(edge.source_port, "any")
        if edge.target_node == node_id:
            inputs.setdefault(edge.target_port, "any")
    hidden = {p.name for p in node.outputs.declared.values() if p.hidden} if node.outputs else set()
    outputs = {k: v for k, v in outputs.items() if k not in hidden}
    summary = _summary(node)
    top = HEAD + (ROW if summary else 0) + PAD
    rows = max(len(inputs), len(outputs), 1)
    w, x, y = place.w or WIDTH, place.x, place.y
    return Box(
        id=node_id,
        title=node.title if node.cls else node.instance.title or node.instance.kind,
        summary=summary,
        x=x,
        y=y,
        w=w,
        h=top + rows * ROW + PAD,
        color=colors.get(node.cls.family, "#5d6472") if node.cls else "#5d6472",
        disabled=node.instance.disabled,
        mark=mark,
        inputs=_dots(inputs, x, y + top),
        outputs=_dots(outputs, x + w, y + top),
    )


def _names(ports: type[Ports] | None) -> dict[str, str]:
    if ports is None:
        return {}
    return {port.name: port.type.ids[0] for port in ports.declared.values()}


def _dots(ports: Mapping[str, str], x: float, top: float) -> tuple[PortDot, ...]:
    return tuple(
        PortDot(name, x, top + (index + 0.5) * ROW, type_color(kind))
        for index, (name, kind) in enumerate(ports.items())
    )


def type_color(kind: str) -> str:
    """The colour of a port type; a member of a family has the family's."""
    return TYPE_COLORS.get(kind) or TYPE_COLORS.get(kind.partition("/")[0], "#8b90a0")


def _summary(node: ResolvedNode) -> str:
    if node.cls is None or node.params is None:
        return ""
    try:
        return " ".join(str(node.cls.summary(node.params)).split())
    except Exception:  # a stranger's class must not keep a picture from being drawn
        return ""


def _lines(
    flow: Flow, boxes: Mapping[str, Box], marks: Mapping[tuple[str, str], str]
) -> Iterable[DrawnWire]:
    for edge in flow.edges:
        source, target = boxes.get(edge.source_node), boxes.get(edge.target_node)
        if source is None or target is None:
            continue
        start = next((p for p in source.outputs if p.name == edge.source_port), None)
        end = next((p for p in target.inputs if p.name == edge.target_port), None)
        if start and end:
            mark = marks.get((edge.source, edge.target), "")
            yield DrawnWire(start.x, start.y, end.x, end.y, start.color, mark)


def _notes(flow: Flow) -> Iterable[Panel]:
    for note in flow.notes:
        place = flow.layout.get(note.id, Place(x=0, y=-180))
        color = NOTE_COLORS[note.color]
        yield Panel(note.text, place.x, place.y, place.w or 220, place.h or 120, color)


def _groups(flow: Flow, boxes: Mapping[str, Box]) -> Iterable[Panel]:
    for group in flow.groups:
        inside = [boxes[node_id] for node_id in group.nodes if node_id in boxes]
        if inside:
            x, y, w, h = _frame([(b.x, b.y, b.w, b.h) for b in inside], margin=20)
            x, y, w, h = x, y - 22, w, h + 22
            place = flow.layout.get(group.id)
            if place and place.w and place.h:  # as large as somebody made it
                x, y, w, h = _frame([(x, y, w, h), (place.x, place.y, place.w, place.h)], margin=0)
            yield Panel(group.title, x, y, w, h, "#8b90a0", is_group=True)


def _frame(
    rects: list[tuple[float, float, float, float]], margin: float = MARGIN
) -> tuple[float, float, float, float]:
    if not rects:
        return (0.0, 0.0, 320.0, 160.0)
    left, top = min(r[0] for r in rects), min(r[1] for r in rects)
    right, bottom = max(r[0] + r[2] for r in rects), max(r[1] + r[3] for r in rects)
    return (left - margin, top - margin, right - left + 2 * margin, bottom - top + 2 * margin)


def curve(line: DrawnWire) -> tuple[tuple[float, float], ...]:
    """The four points of the Bézier curve of a wire."""
    reach = max(40.0, abs(line.x2 - line.x1) / 2)
    return (
        (line.x1, line.y1),
        (line.x1 + reach, line.y1),
        (line.x2 - reach, line.y2),
        (line.x2, line.y2),
    )


def shortened(text: str, width: float, per_character: float) -> str:
    """As much of a text as fits, about."""
    fits = max(1, int(width / per_character))
    return text if len(text) <= fits else text[: fits - 1] + "…"
