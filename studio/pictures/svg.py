"""A picture as SVG. What a person wrote is escaped; there is no script, and nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from patchbay.studio.pictures.picture import (
    HEAD,
    MARK_COLORS,
    STATUS_COLORS,
    Box,
    Drawing,
    DrawnWire,
    Panel,
    curve,
    shortened,
)

FONT = "system-ui, 'Source Sans 3', 'Segoe UI', sans-serif"
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_svg(picture: Drawing, carried: str = "", *, dark: bool = False) -> str:
    """The picture. `carried` lies in its metadata."""
    paper, ink, box, edge = (
        ("#14161c", "#e6e8ef", "#1f222b", "#3a3f4d") if dark
        else ("#fcfcfd", "#23262f", "#ffffff", "#d5d9e3")
    )  # fmt: skip
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{picture.w:g}" height="{picture.h:g}" '
        f'viewBox="{picture.x:g} {picture.y:g} {picture.w:g} {picture.h:g}" '
        f'font-family="{FONT}" font-size="13" fill="{ink}">',
        f"<title>{_text(picture.title)}</title>",
    ]
    if carried:
        parts.append(f'<metadata id="patchbay-flow">{_text(carried)}</metadata>')
    parts.append(
        f'<rect x="{picture.x:g}" y="{picture.y:g}" width="{picture.w:g}" height="{picture.h:g}" '
        f'fill="{paper}"/>'
    )
    parts += [_panel(panel) for panel in picture.panels]
    parts += [_line(line) for line in picture.lines]
    for one in picture.boxes:
        parts += _box(one, ink, box, edge)
    if not picture.boxes and not picture.panels:
        parts.append(
            f'<text x="{picture.x + picture.w / 2:g}" y="{picture.y + picture.h / 2:g}" '
            'text-anchor="middle" opacity=".5">Nothing is drawn yet</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def _text(text: str) -> str:
    return escape(_ILLEGAL.sub("\ufffd", text), quote=True)


def _panel(panel: Panel) -> str:
    rect = f'x="{panel.x:g}" y="{panel.y:g}" width="{panel.w:g}" height="{panel.h:g}" rx="10"'
    if panel.is_group:
        return (
            f'<rect {rect} fill="{panel.color}" fill-opacity=".1" stroke="{panel.color}" '
            f'stroke-dasharray="5 4"/><text x="{panel.x + 12:g}" y="{panel.y + 18:g}" '
            f'opacity=".7">{_text(panel.text)}</text>'
        )
    lines = [
        f'<tspan x="{panel.x + 12:g}" dy="{17 if i else 0}">'
        f"{_text(shortened(line, panel.w - 24, 6.4))}</tspan>"
        for i, line in enumerate(panel.text.splitlines()[: max(1, int(panel.h // 17) - 1)])
    ]
    return (
        f'<rect {rect} fill="{panel.color}" stroke="#00000022"/>'
        f'<text x="{panel.x + 12:g}" y="{panel.y + 24:g}" fill="#3b3a2e">{"".join(lines)}</text>'
    )


def _line(line: DrawnWire) -> str:
    (x1, y1), (ax, ay), (bx, by), (x2, y2) = curve(line)
    color = MARK_COLORS.get(line.mark, line.color)
    dash = ' stroke-dasharray="6 5"' if line.mark == "removed" else ""
    width = 3 if line.mark else 2
    return (
        f'<path d="M{x1:g} {y1:g}C{ax:g} {ay:g} {bx:g} {by:g} {x2:g} {y2:g}" fill="none" '
        f'stroke="{color}" stroke-width="{width}" stroke-opacity=".85"{dash}/>'
    )


def _box(box: Box, ink: str, fill: str, edge: str) -> Iterator[str]:
    mark = MARK_COLORS.get(box.mark) or STATUS_COLORS.get(box.mark)
    fade = ' opacity=".5"' if box.disabled or box.mark == "removed" else ""
    yield f"<g{fade}>"
    yield (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.w:g}" height="{box.h:g}" rx="10" '
        f'fill="{fill}" stroke="{mark or edge}" stroke-width="{2.5 if mark else 1}"/>'
    )
    yield (
        f'<rect x="{box.x + 10:g}" y="{box.y + 11:g}" width="4" height="14" rx="2" '
        f'fill="{box.color}"/>'
    )
    room = box.w - 34 - (70 if mark else 0)
    yield (
        f'<text x="{box.x + 22:g}" y="{box.y + 22.5:g}" font-weight="600">'
        f"{_text(shortened(box.title, room, 7.2))}</text>"
    )
    if mark:
        yield (
            f'<text x="{box.x + box.w - 12:g}" y="{box.y + 22.5:g}" text-anchor="end" '
            f'font-size="11" fill="{mark}">{_text(box.mark)}</text>'
        )
    if box.summary:
        yield (
            f'<text x="{box.x + 12:g}" y="{box.y + HEAD + 12:g}" font-size="12" opacity=".65">'
            f"{_text(shortened(box.summary, box.w - 24, 6.2))}</text>"
        )
    for side, ports in (("start", box.inputs), ("end", box.outputs)):
        for port in ports:
            x = port.x + (12 if side == "start" else -12)
            yield (
                f'<circle cx="{port.x:g}" cy="{port.y:g}" r="5" fill="{port.color}" '
                f'stroke="{fill}" stroke-width="1.5"/>'
            )
            yield (
                f'<text x="{x:g}" y="{port.y + 4:g}" font-size="12" text-anchor="{side}">'
                f"{_text(shortened(port.name, box.w / 2 - 16, 6.4))}</text>"
            )
    yield "</g>"
